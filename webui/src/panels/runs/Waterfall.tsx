// A trace on its time axis. Only rows in view are drawn: ten thousand spans open at once and scroll smoothly.
import { useId, useMemo, useState, type KeyboardEvent } from "react";
import type { Span } from "../../api/types";
import { t } from "../../i18n/i18n";
import { seconds } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { useWindowed } from "../../ui/useWindowed";
import { bounds, label, rows as arranged, type Row } from "./tree";

const ROW = 26;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

interface WaterfallProps {
  spans: Span[];
  chosen: string | null;
  onChoose: (span: Span) => void;
  onEnd?: () => void;
}

interface BarProps {
  row: Row;
  from: number;
  length: number;
}

function Bar({ row: { span }, from, length }: BarProps) {
  const left = ((span.started - from) / length) * 100;
  const width = (((span.ended ?? span.started) - span.started) / length) * 100;
  return (
    <span className="lane">
      <i className={`bar-${span.status} kind-${span.name}`} style={{ left: `${left}%`, width: `max(2px, ${width}%)` }} />
    </span>
  );
}

export function Waterfall({ spans, chosen, onChoose, onEnd }: WaterfallProps) {
  const name = useId();
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const list = useMemo(() => arranged(spans, folded), [spans, folded]);
  const [from, until] = useMemo(() => bounds(spans), [spans]);
  const { box, first, last, show } = useWindowed(list.length, ROW, 28);
  if (onEnd && last >= list.length) queueMicrotask(onEnd);
  const index = list.findIndex((row) => row.span.span === chosen);
  const fold = (id: string) =>
    setFolded((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 20, PageUp: -20, Home: -list.length, End: list.length }[event.key];
    const row = list[index];
    if (step !== undefined) {
      const to = Math.max(0, Math.min(list.length - 1, index + step));
      onChoose(list[to]!.span);
      show(to);
    } else if (row && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      if (folded.has(row.span.span) === (event.key === "ArrowRight")) fold(row.span.span);
    } else return;
    event.preventDefault();
  };
  return (
    <div
      ref={box}
      className="waterfall"
      role="treegrid"
      tabIndex={0}
      aria-label={t("trace")}
      aria-rowcount={list.length}
      aria-activedescendant={index >= first && index < last ? `${name}${index}` : undefined}
      onKeyDown={keys}
    >
      <div className="fall-head" role="row">
        <span role="columnheader">{t("step")}</span>
        <span className="lane" role="columnheader" aria-label={t("trace")}>
          {TICKS.map((tick) => (
            <small key={tick} className="num" style={tick === 1 ? { right: 0 } : { left: `${tick * 100}%` }}>
              {seconds((until - from) * tick)}
            </small>
          ))}
        </span>
        <span role="columnheader" className="right">
          {t("time")}
        </span>
      </div>
      <div role="rowgroup" className="fall-body" style={{ height: list.length * ROW }}>
        {list.slice(first, last).map((row, i) => (
          <div
            key={row.span.span}
            id={`${name}${first + i}`}
            role="row"
            aria-level={row.depth + 1}
            aria-expanded={row.children ? !folded.has(row.span.span) : undefined}
            aria-rowindex={first + i + 1}
            aria-selected={row.span.span === chosen}
            className="fall-row"
            style={{ transform: `translateY(${(first + i) * ROW}px)` }}
            onClick={() => onChoose(row.span)}
          >
            <span role="gridcell" className="fall-name" style={{ paddingLeft: row.depth * 14 }}>
              {row.children ? (
                <i className={`twist${folded.has(row.span.span) ? " shut" : ""}`} onClick={(event) => (event.stopPropagation(), fold(row.span.span))}>
                  <Icon name="open" size={12} />
                </i>
              ) : (
                <i className="twist" />
              )}
              <i className={`pip bar-${row.span.status} kind-${row.span.name}`} />
              <span className="cut">{label(row.span)}</span>
            </span>
            <span role="gridcell">
              <Bar row={row} from={from} length={until - from} />
            </span>
            <span role="gridcell" className="fall-time num">
              {row.span.ended === null ? "…" : seconds(row.span.ended - row.span.started)}
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}
