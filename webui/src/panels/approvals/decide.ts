// Deciding: what is risky asks once more, a rejection asks why, and everything can be undone for ten seconds.
import { api, at } from "../../api/client";
import type { Approval, Verb } from "../../api/types";
import { confirm } from "../../app/confirm";
import { Box } from "../../app/store";
import { attempt } from "../../app/toast";
import { t } from "../../i18n/i18n";

export const UNDO_SECONDS = 10;

export interface Undoable {
  ids: string[];
  text: string;
  /** Milliseconds since the epoch. */
  until: number;
}
export const undoable = new Box<Undoable | null>(null);

async function ask(card: Approval, verb: Verb): Promise<{ reason: string } | null> {
  if (verb === "reject")
    return confirm({ title: t("reject.title", { title: card.title }), reason: t("reject.reason"), yes: t("verb.reject"), danger: true });
  if (verb === "approve" && card.risk === "high")
    return confirm({ title: t("high.title", { title: card.title }), text: t("high.text"), yes: t("verb.approve") });
  return { reason: "" };
}

function offerUndo(ids: string[], text: string, effective: number | undefined): void {
  undoable.set({ ids, text, until: effective ? effective * 1000 : Date.now() + UNDO_SECONDS * 1000 });
}

/** Whether it was decided. */
export async function decide(card: Approval, verb: Verb): Promise<boolean> {
  const answer = await ask(card, verb);
  if (!answer) return false;
  const done = await attempt(api.post<Approval>(at("approvals", card.id), { verb, reason: answer.reason }));
  if (!done) return false;
  if (verb !== "later") offerUndo([card.id], t(`${verb}.done`, { title: card.title }), done.decision?.effective_at);
  return true;
}

/** Approve several of low risk at once, after one question. */
export async function decideMany(cards: Approval[]): Promise<void> {
  const answer = await confirm({ title: t("approve-low", { n: cards.length }), text: cards.map((card) => card.title).join(" · "), yes: t("verb.approve") });
  if (!answer) return;
  const ids: string[] = [];
  for (const card of cards) {
    const done = await attempt(api.post<Approval>(at("approvals", card.id), { verb: "approve", reason: "" }));
    if (done) ids.push(card.id);
  }
  if (ids.length) offerUndo(ids, t("approved-many", { n: ids.length }), undefined);
}

export async function undo(): Promise<void> {
  const last = undoable.get();
  undoable.set(null);
  for (const id of last?.ids ?? []) await attempt(api.post(at("approvals", id, "undo")), t("undone"));
}
