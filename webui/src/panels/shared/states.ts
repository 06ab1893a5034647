// The seven states of a task as the server numbers them; their colours are tokens --state-0 to --state-6.
import type { Word } from "../../i18n/i18n";
import type { Tone } from "../../ui/surfaces";

export const STATES = ["queued", "asking", "ok", "failed", "skipped", "waiting", "reused"] as const;
export type State = (typeof STATES)[number];

export const stateWord = (state: number): Word => `state.${STATES[state] ?? "queued"}`;

const TONES: Record<State, Tone> = {
  queued: "neutral",
  asking: "accent",
  ok: "ok",
  failed: "bad",
  skipped: "neutral",
  waiting: "warn",
  reused: "reuse",
};
export const stateTone = (state: string): Tone => TONES[state as State] ?? "neutral";
