// The last five minutes of the whole house, one point a second: what the server recalls, then noted as it happens.
import { api } from "../../api/client";
import type { Overview, Pulse } from "../../api/types";

export const SECONDS = 300;
// Tasks a minute are the tasks of so many seconds; fewer would jump with every task.
const WINDOW = 10;

export const pulse = { at: [] as number[], work: [] as number[], rate: [] as (number | null)[], done: [] as number[] };
let latest: Overview | undefined;

export function hear(overview: Overview | undefined): void {
  latest = overview ?? latest;
}

let asked = false;
let past: Pulse | undefined;

/** Ask once for what was before this page, and `show` it. Without it the chart only begins empty. */
export function recall(show: () => void): void {
  if (asked) return;
  asked = true;
  api.get<Pulse>("/pulse").then(
    (told) => {
      past = told;
      show();
    },
    () => (asked = false),
  );
}

function prepend(told: Pulse, known: Overview): void {
  const first = pulse.at[0] ?? Infinity;
  let done = pulse.done[0] ?? known.tasks_done_24h;
  for (let i = told.at.length - 1; i >= 0; i--) {
    if (told.at[i]! >= first) continue;
    const recent = told.done.slice(Math.max(0, i + 1 - WINDOW), i + 1);
    pulse.at.unshift(told.at[i]!);
    pulse.work.unshift(told.work[i]!);
    pulse.rate.unshift((recent.reduce((sum, n) => sum + n, 0) / recent.length) * 60);
    pulse.done.unshift(done);
    done -= told.done[i]!;
  }
}

/** Note this second, if it is not noted yet. */
export function beat(): void {
  const now = Math.floor(Date.now() / 1000);
  if (latest && past) {
    prepend(past, latest);
    past = undefined;
  }
  if (!latest || pulse.at.at(-1) === now) return;
  const before = pulse.at.findIndex((at) => at >= now - WINDOW);
  const passed = before >= 0 ? now - pulse.at[before]! : 0;
  pulse.rate.push(passed > 1 ? (Math.max(0, latest.tasks_done_24h - pulse.done[before]!) / passed) * 60 : null);
  pulse.at.push(now);
  pulse.work.push(latest.agents_at_work);
  pulse.done.push(latest.tasks_done_24h);
  while (pulse.at[0]! < now - SECONDS) for (const list of Object.values(pulse)) list.shift();
}
