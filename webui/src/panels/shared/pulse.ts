// The last five minutes of the whole house, one point a second, noted from the page's first moment on.
import type { Overview } from "../../api/types";

export const SECONDS = 300;
// Tasks a minute are the tasks of so many seconds; fewer would jump with every task.
const WINDOW = 10;

export const pulse = { at: [] as number[], work: [] as number[], rate: [] as (number | null)[], done: [] as number[] };
let latest: Overview | undefined;

export function hear(overview: Overview | undefined): void {
  latest = overview ?? latest;
}

/** Note this second, if it is not noted yet. */
export function beat(): void {
  const now = Math.floor(Date.now() / 1000);
  if (!latest || pulse.at.at(-1) === now) return;
  const before = pulse.at.findIndex((at) => at >= now - WINDOW);
  const passed = before >= 0 ? now - pulse.at[before]! : 0;
  pulse.rate.push(passed > 1 ? (Math.max(0, latest.tasks_done_24h - pulse.done[before]!) / passed) * 60 : null);
  pulse.at.push(now);
  pulse.work.push(latest.agents_at_work);
  pulse.done.push(latest.tasks_done_24h);
  while (pulse.at[0]! < now - SECONDS) for (const list of Object.values(pulse)) list.shift();
}
