// Figures as people read them: short, aligned, with "unknown" where it is not known.
import { number, spoken, t } from "../i18n/i18n";

export const count = (value: number | null | undefined): string => (value == null ? "–" : number(value));

export function short(value: number | null | undefined): string {
  if (value == null) return "–";
  return value < 10_000 ? number(value) : number(value, { notation: "compact", maximumFractionDigits: 1 });
}

export function usd(value: number | null | undefined): string {
  if (value == null) return t("unknown");
  if (value === 0) return "$0";
  return `$${number(value, value < 1 ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

export function seconds(value: number | null | undefined): string {
  if (value == null) return "–";
  if (value < 1) return `${number(Math.round(value * 1000))} ms`;
  if (value < 60) return `${number(value, { maximumFractionDigits: 1 })} s`;
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(value / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function ago(at: number | null | undefined): string {
  if (!at) return "–";
  const passed = Date.now() / 1000 - at;
  const words = new Intl.RelativeTimeFormat(spoken(), { numeric: "auto", style: spoken().startsWith("de") ? "short" : "narrow" });
  if (passed < 45) return words.format(0, "second");
  if (passed < 2700) return words.format(-Math.round(passed / 60), "minute");
  if (passed < 79_200) return words.format(-Math.round(passed / 3600), "hour");
  return words.format(-Math.round(passed / 86_400), "day");
}

export function moment(at: number | null | undefined): string {
  if (!at) return "–";
  return new Date(at * 1000).toLocaleString(spoken(), { dateStyle: "medium", timeStyle: "medium" });
}

export function clock(at: number): string {
  return new Date(at * 1000).toLocaleTimeString(spoken(), { hour12: false });
}

export function tokens(value: { input: number; output: number } | number | null | undefined): number | null {
  if (value == null) return null;
  return typeof value === "number" ? value : value.input + value.output;
}

/** Text as it is; anything else as JSON that a person can read. */
export function pretty(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

interface Turn {
  role: string;
  content: unknown;
}
const isTurn = (value: unknown): value is Turn => typeof value === "object" && value !== null && "role" in value && "content" in value;

/** What was asked: the text of a single message, else each message under its role. */
export function asked(prompt: unknown): string {
  if (!Array.isArray(prompt) || !prompt.every(isTurn)) return pretty(prompt);
  if (prompt.length === 1) return pretty(prompt[0]!.content);
  return prompt.map((turn) => `${turn.role}\n${pretty(turn.content)}`).join("\n\n");
}

/** A size in the unit that a person would say. */
export function bytes(value: number | null | undefined): string {
  if (value == null) return "–";
  const step = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return number(value / 1000 ** step, { style: "unit", unit: ["byte", "kilobyte", "megabyte", "gigabyte"][step]!, maximumFractionDigits: 1 });
}
