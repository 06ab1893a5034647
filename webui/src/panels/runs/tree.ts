// Spans as rows of a waterfall: children under their parents in the order of their start.
import type { Span } from "../../api/types";

export interface Row {
  span: Span;
  depth: number;
  children: number;
}

export function bounds(spans: Span[]): [number, number] {
  let from = Infinity;
  let until = -Infinity;
  for (const span of spans) {
    from = Math.min(from, span.started);
    until = Math.max(until, span.ended ?? span.started);
  }
  return [from, Math.max(until, from + 0.001)];
}

export function rows(spans: Span[], folded: ReadonlySet<string>): Row[] {
  const known = new Set(spans.map((span) => span.span));
  const below = new Map<string | null, Span[]>();
  for (const span of spans) {
    const parent = span.parent !== null && known.has(span.parent) ? span.parent : null;
    const list = below.get(parent);
    if (list) list.push(span);
    else below.set(parent, [span]);
  }
  for (const list of below.values()) list.sort((a, b) => a.started - b.started);
  const out: Row[] = [];
  const stack = [...(below.get(null) ?? [])].reverse().map((span) => ({ span, depth: 0 }));
  while (stack.length) {
    const { span, depth } = stack.pop()!;
    const children = below.get(span.span) ?? [];
    out.push({ span, depth, children: children.length });
    if (!folded.has(span.span)) for (const child of [...children].reverse()) stack.push({ span: child, depth: depth + 1 });
  }
  return out;
}

/** What a span is about, in a few words: the model of a call, the tool's name, the step. */
export function label(span: Span): string {
  for (const name of ["name", "tool", "model"]) {
    const value = span.data[name];
    if (typeof value === "string" && value) return `${span.name} · ${value}`;
  }
  return span.name;
}
