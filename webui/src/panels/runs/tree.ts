// A trace, which comes as columns, as rows of a waterfall: children under their parents in the order of their start.
import type { Trace } from "../../api/types";

export interface Row {
  /** The span's place in the columns. */
  at: number;
  depth: number;
  children: number;
}

export const STATUSES = ["ok", "failed", "running", "lost"] as const;

/** From the first start to the last end, in ms. */
export function lasted(trace: Trace): number {
  let until = 1;
  trace.started.forEach((started, at) => (until = Math.max(until, trace.ended[at] ?? started)));
  return until;
}

/** First child and next sibling of each span; the spans that stand under none follow the place after the last. */
function links({ parent }: Trace): { first: Int32Array; next: Int32Array; count: Int32Array } {
  const roots = parent.length;
  const first = new Int32Array(roots + 1).fill(-1);
  const next = new Int32Array(roots).fill(-1);
  const count = new Int32Array(roots + 1);
  for (let at = roots - 1; at >= 0; at--) {
    const above = parent[at] ?? roots;
    next[at] = first[above]!;
    first[above] = at;
    count[above]!++;
  }
  return { first, next, count };
}

export function rows(trace: Trace, folded: ReadonlySet<string>): Row[] {
  const { first, next, count } = links(trace);
  const out: Row[] = [];
  const stack: [number, number][] = [[first[trace.span.length]!, 0]];
  while (stack.length) {
    const [at, depth] = stack.pop()!;
    if (at < 0) continue;
    out.push({ at, depth, children: count[at]! });
    stack.push([next[at]!, depth]);
    if (!folded.has(trace.span[at]!)) stack.push([first[at]!, depth + 1]);
  }
  return out;
}

/** What a span is about, in a few words: the model of a call, the tool's name, the step. */
export function label(trace: Trace, at: number): string {
  const name = trace.names[trace.name[at]!]!;
  const about = trace.labels[trace.label[at]!];
  return about ? `${name} · ${about}` : name;
}
