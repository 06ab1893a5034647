// Which agents are picked, and where the cursor stands among them.
import { useMemo, useState } from "react";
import type { Fleet } from "./fleet";

export interface Selection {
  chosen: ReadonlySet<number>;
  cursor: number;
  go: (n: number) => void;
  toggle: (n: number) => void;
  /** From the cursor to n. */
  range: (n: number) => void;
  /** The rectangle with corners a and b of a grid with so many columns. */
  block: (a: number, b: number, columns: number) => void;
  /** All, or all in a state. */
  all: (state: number | null) => void;
  clear: () => void;
}

function between(a: number, b: number): number[] {
  const from = Math.min(a, b);
  return Array.from({ length: Math.abs(a - b) + 1 }, (_, i) => from + i);
}

function rectangle(a: number, b: number, columns: number): number[] {
  const across = between(a % columns, b % columns);
  return between(Math.floor(a / columns), Math.floor(b / columns)).flatMap((row) => across.map((x) => row * columns + x));
}

export function useSelection(fleet: Fleet): Selection {
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [cursor, setCursor] = useState(0);
  return useMemo(() => {
    const inside = (list: number[]) => list.filter((n) => n < fleet.total);
    return {
      chosen,
      cursor,
      go: setCursor,
      toggle: (n) => {
        setCursor(n);
        setChosen((old) => {
          const next = new Set(old);
          if (!next.delete(n)) next.add(n);
          return next;
        });
      },
      range: (n) => setChosen((old) => new Set([...old, ...between(cursor, n)])),
      block: (a, b, columns) => setChosen(new Set(inside(rectangle(a, b, columns)))),
      all: (state) => setChosen(new Set(between(0, fleet.total - 1).filter((n) => state === null || fleet.states[n] === state))),
      clear: () => setChosen(new Set()),
    };
  }, [chosen, cursor, fleet]);
}
