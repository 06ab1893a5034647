// The swarm as a grid on a canvas: click opens, drag or Shift selects, arrows walk, Space picks.
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { t } from "../../i18n/i18n";
import { watchTheme } from "../../theme/theme";
import { stateWord } from "../shared/states";
import type { Fleet } from "./fleet";
import { Painter, layout, type Layout } from "./painter";
import type { Selection } from "./useSelection";

interface GridProps {
  fleet: Fleet;
  filter: number | null;
  selection: Selection;
  onOpen: (n: number) => void;
}

/** The size of an element, as it changes. */
function useSize(): [React.RefObject<HTMLDivElement | null>, { width: number; height: number }] {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = box.current!;
    const watcher = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  return [box, size];
}

/** Paint once a frame while there is something to paint. */
function usePainting(canvas: React.RefObject<HTMLCanvasElement | null>, fleet: Fleet, plan: Layout, filter: number | null, selected: ReadonlySet<number>): void {
  const painter = useRef<Painter | null>(null);
  const state = useRef({ plan, look: { filter, selected } });
  useEffect(() => {
    state.current = { plan, look: { filter, selected } };
    painter.current?.again();
    ask.current();
  }, [plan, filter, selected]);
  const ask = useRef(() => {});
  useEffect(() => {
    const mine = new Painter(canvas.current!, fleet);
    painter.current = mine;
    mine.dress();
    let frame = 0;
    ask.current = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        mine.paint(state.current.plan, state.current.look);
      });
    };
    ask.current();
    const stops = [fleet.watch(ask.current), watchTheme(() => (mine.dress(), ask.current()))];
    return () => {
      cancelAnimationFrame(frame);
      stops.forEach((stop) => stop());
    };
  }, [canvas, fleet]);
}

export function Grid({ fleet, filter, selection, onOpen }: GridProps) {
  const [box, { width, height }] = useSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const plan = layout(fleet.total, Math.max(1, width), Math.max(1, height));
  const stable = useRef(plan);
  if (JSON.stringify(stable.current) !== JSON.stringify(plan)) stable.current = plan;
  const shown = stable.current;
  usePainting(canvas, fleet, shown, filter, selection.chosen);
  const [over, setOver] = useState<number | null>(null);
  const [walked, setWalked] = useState(false);
  const pressed = useRef<{ n: number; dragged: boolean } | null>(null);
  const cursor = selection.cursor;

  const at = (event: PointerEvent): number | null => {
    const area = canvas.current!.getBoundingClientRect();
    const column = Math.floor((event.clientX - area.left) / shown.pitch);
    const n = Math.floor((event.clientY - area.top) / shown.pitch) * shown.columns + column;
    return column >= 0 && column < shown.columns && n >= 0 && n < fleet.total ? n : null;
  };
  const down = (event: PointerEvent) => {
    const n = at(event);
    setWalked(false);
    if (n === null || event.button !== 0) return;
    pressed.current = { n, dragged: false };
    if (event.shiftKey) selection.range(n);
    else if (event.ctrlKey || event.metaKey) selection.toggle(n);
  };
  const move = (event: PointerEvent) => {
    const n = at(event);
    setOver(n);
    const from = pressed.current;
    if (!from || n === null || n === from.n) return;
    from.dragged = true;
    selection.block(from.n, n, shown.columns);
  };
  const up = (event: PointerEvent) => {
    const from = pressed.current;
    pressed.current = null;
    if (!from || from.dragged || event.shiftKey || event.ctrlKey || event.metaKey) return;
    selection.go(from.n);
    onOpen(from.n);
  };
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: shown.columns, ArrowUp: -shown.columns, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "a" && (event.ctrlKey || event.metaKey)) selection.all(filter);
    else if (event.key === "Escape" && selection.chosen.size) selection.clear();
    else if (step !== undefined) {
      const to = Math.max(0, Math.min(fleet.total - 1, cursor + step));
      if (event.shiftKey) selection.range(to);
      else selection.go(to);
      setWalked(true);
      scrollTo(to);
    } else if (event.key === "Enter") onOpen(cursor);
    else if (event.key === " ") selection.toggle(cursor);
    else return;
    event.preventDefault();
  };
  const scrollTo = (n: number) => {
    const top = Math.floor(n / shown.columns) * shown.pitch;
    const element = box.current!;
    if (top < element.scrollTop) element.scrollTop = top;
    if (top + shown.pitch > element.scrollTop + element.clientHeight) element.scrollTop = top + shown.pitch - element.clientHeight;
  };
  const pointed = over ?? (walked ? cursor : null);
  const place = (n: number) => ({ left: (n % shown.columns) * shown.pitch, top: Math.floor(n / shown.columns) * shown.pitch });
  return (
    <div
      className="grid-view"
      ref={box}
      tabIndex={0}
      role="application"
      aria-label={t("swarm.grid", { n: fleet.total })}
      aria-describedby="swarm-said"
      onKeyDown={keys}
      onBlur={() => setWalked(false)}
    >
      <canvas
        ref={canvas}
        role="img"
        aria-label={t("swarm.grid", { n: fleet.total })}
        width={Math.round(Math.max(1, width) * devicePixelRatio)}
        height={Math.round(Math.max(1, shown.rows * shown.pitch) * devicePixelRatio)}
        style={{ width, height: shown.rows * shown.pitch }}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerLeave={() => (setOver(null), (pressed.current = null))}
      />
      {walked && <i className="cell-cursor" style={{ ...place(cursor), width: shown.cell, height: shown.cell }} />}
      {pointed !== null && pointed < fleet.total && (
        <div className="cell-tip" style={{ left: Math.min(place(pointed).left, width - 210), top: place(pointed).top + shown.pitch + 6 }}>
          <strong className="cut">{fleet.ids[pointed] ?? `#${pointed + 1}`}</strong>
          <span className="dim">{t(stateWord(fleet.states[pointed]!))}</span>
        </div>
      )}
      <p id="swarm-said" className="hidden" aria-live="polite">
        {walked ? `${fleet.ids[cursor] ?? cursor + 1}: ${t(stateWord(fleet.states[cursor] ?? 0))}` : ""}
      </p>
    </div>
  );
}
