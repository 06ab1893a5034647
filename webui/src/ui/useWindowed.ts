// Draws only the rows in view: ten thousand rows cost as much as forty.
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";

const OVERSCAN = 6;

export interface Windowed {
  box: RefObject<HTMLDivElement | null>;
  first: number;
  last: number;
  show: (index: number) => void;
}

/** The span of rows in view of `box`, for rows of one height in px below a head of `head` px. */
export function useWindowed(rows: number, height: number, head = 0): Windowed {
  const box = useRef<HTMLDivElement>(null);
  const [span, setSpan] = useState({ first: 0, last: 40 });
  const measure = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const first = Math.max(0, Math.floor(element.scrollTop / height) - OVERSCAN);
    const last = Math.ceil((element.scrollTop + element.clientHeight) / height) + OVERSCAN;
    setSpan((old) => (old.first === first && old.last === last ? old : { first, last }));
  }, [height]);
  useLayoutEffect(measure, [measure, rows]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      watcher.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, [measure]);
  const show = useCallback(
    (index: number) => {
      const element = box.current;
      if (!element) return;
      const top = index * height;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + height > element.scrollTop + element.clientHeight - head)
        element.scrollTop = top + height - element.clientHeight + head;
    },
    [height, head],
  );
  return { box, first: span.first, last: Math.min(rows, span.last), show };
}
