// A trace on its time axis. Only rows in view are drawn: ten thousand spans open at once and scroll smoothly.
import { useId, useMemo, useState, type KeyboardEvent } from "react";
import type { Trace } from "../../api/types";
import { t } from "../../i18n/i18n";
import { seconds } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { useWindowed } from "../../ui/useWindowed";
import { STATUSES, label, lasted, rows as arranged } from "./tree";

const ROW = 26;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

interface WaterfallProps {
  trace: Trace;
  /** The chosen span's place in the columns. */
  chosen: number;
  onChoose: (at: number) => void;
}

interface BarProps {
  trace: Trace;
  at: number;
  length: number;
}

function Bar({ trace, at, length }: BarProps) {
  const started = trace.started[at]!;
  const left = (started / length) * 100;
  const width = (((trace.ended[at] ?? started) - started) / length) * 100;
  return (
    <span className="lane">
      <i className={look(trace, at, "")} style={{ left: `${left}%`, width: `max(2px, ${width}%)` }} />
    </span>
  );
}

const took = ({ started, ended }: Trace, at: number): string => (ended[at] === null ? "…" : seconds((ended[at]! - started[at]!) / 1000));

const look = (trace: Trace, at: number, more: string): string => `${more}bar-${STATUSES[trace.status[at]!]} kind-${trace.names[trace.name[at]!]}`;

export function Waterfall({ trace, chosen, onChoose }: WaterfallProps) {
  const name = useId();
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const list = useMemo(() => arranged(trace, folded), [trace, folded]);
  const until = useMemo(() => lasted(trace), [trace]);
  const { box, first, last, show } = useWindowed(list.length, ROW, 28);
  const index = list.findIndex((row) => row.at === chosen);
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
      onChoose(list[to]!.at);
      show(to);
    } else if (row && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      if (folded.has(trace.span[row.at]!) === (event.key === "ArrowRight")) fold(trace.span[row.at]!);
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
              {seconds((until * tick) / 1000)}
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
            key={trace.span[row.at]}
            id={`${name}${first + i}`}
            role="row"
            aria-level={row.depth + 1}
            aria-expanded={row.children ? !folded.has(trace.span[row.at]!) : undefined}
            aria-rowindex={first + i + 1}
            aria-selected={row.at === chosen}
            className="fall-row"
            style={{ transform: `translateY(${(first + i) * ROW}px)` }}
            onClick={() => onChoose(row.at)}
          >
            <span role="gridcell" className="fall-name" style={{ paddingLeft: row.depth * 14 }}>
              {row.children ? (
                <i className={`twist${folded.has(trace.span[row.at]!) ? " shut" : ""}`} onClick={(event) => (event.stopPropagation(), fold(trace.span[row.at]!))}>
                  <Icon name="open" size={12} />
                </i>
              ) : (
                <i className="twist" />
              )}
              <i className={look(trace, row.at, "pip ")} />
              <span className="cut">{label(trace, row.at)}</span>
            </span>
            <span role="gridcell">
              <Bar trace={trace} at={row.at} length={until} />
            </span>
            <span role="gridcell" className="fall-time num">
              {took(trace, row.at)}
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}
