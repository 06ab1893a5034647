// What may be done from anywhere: the bar, the palette, a key and a panel all call these.
import { api, at } from "../api/client";
import type { Run } from "../api/types";
import { t } from "../i18n/i18n";
import { confirm } from "./confirm";
import { Box } from "./store";
import { attempt } from "./toast";

/** What the form for a new run begins with, or null while it is closed. */
export const newRun = new Box<{ path?: string } | null>(null);
export const openNewRun = (start: { path?: string } = {}): void => newRun.set(start);

export async function stopAll(): Promise<void> {
  const answer = await confirm({ title: t("stop-all"), text: t("stop-all.text"), yes: t("stop-all"), danger: true });
  if (answer) await attempt(api.post("/stop-all"), t("stop-all.done"));
}

export type RunVerb = "pause" | "resume" | "stop";

export async function steer(run: Run, verb: RunVerb): Promise<void> {
  if (verb === "stop") {
    const answer = await confirm({ title: t("stop.title", { name: run.name }), text: t("stop.text"), yes: t("stop"), danger: true });
    if (!answer) return;
  }
  await attempt(api.post(at("runs", run.id, verb)), t(`${verb}.done`, { name: run.name }));
}

export async function widen(run: Run, width: number): Promise<void> {
  await attempt(api.post(at("runs", run.id, "scale"), { width }), t("scale.done", { name: run.name, n: width }));
}
