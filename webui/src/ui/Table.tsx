// Rows of any number, by mouse or by keyboard: arrows move, Enter opens, Space selects.
import { useEffect, useId, useState, type KeyboardEvent, type MouseEvent, type ReactNode } from "react";
import { t } from "../i18n/i18n";
import { useNarrow } from "./useNarrow";
import { useWindowed } from "./useWindowed";

export interface Column<T> {
  id: string;
  label: string;
  /** A track of CSS grid. */
  width: string;
  cell: (row: T) => ReactNode;
  right?: boolean;
  /** Gives way on a narrow window. */
  wide?: boolean;
}

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string;
  onOpen?: (row: T) => void;
  chosen?: string | null;
  selected?: ReadonlySet<string>;
  onSelect?: (row: T, range: boolean) => void;
  /** As high as its rows, for short lists inside a card. */
  fit?: boolean;
  onEnd?: () => void;
}

const ROW = 34;
const HEAD = 30;

export function Table<T>(props: TableProps<T>) {
  const { label, rows, id, onOpen, onSelect, fit, onEnd } = props;
  const name = useId();
  const narrow = useNarrow();
  const columns = props.columns.filter((column) => !narrow || !column.wide);
  const { box, first, last, show } = useWindowed(rows.length, ROW, HEAD);
  const [active, setActive] = useState(-1);
  useEffect(() => {
    if (onEnd && last >= rows.length && rows.length > 0) onEnd();
  }, [last, rows.length, onEnd]);

  const move = (to: number) => {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    setActive(index);
    show(index);
  };
  const keys = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, j: 1, k: -1 };
    const row = rows[active];
    const step = steps[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step !== undefined) move(active + step);
    else if (event.key === "Home") move(0);
    else if (event.key === "End") move(rows.length - 1);
    else if (event.key === "Enter" && row) onOpen?.(row);
    else if (event.key === " " && row && onSelect) onSelect(row, event.shiftKey);
    else return;
    event.preventDefault();
  };
  const press = (row: T, index: number, event: MouseEvent) => {
    setActive(index);
    if (onSelect && (event.ctrlKey || event.metaKey || event.shiftKey)) onSelect(row, event.shiftKey);
    else onOpen?.(row);
  };

  const [from, to] = fit ? [0, rows.length] : [first, last];
  const template = columns.map((column) => column.width).join(" ");
  return (
    <div
      ref={box}
      className={`table${fit ? " fit" : ""}${onOpen ? " opens" : ""}`}
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-multiselectable={onSelect ? true : undefined}
      aria-activedescendant={active >= from && active < to ? `${name}${active}` : undefined}
      onKeyDown={keys}
      onFocus={() => active < 0 && rows.length > 0 && setActive(0)}
    >
      <div className="table-head" role="row" style={{ gridTemplateColumns: template }}>
        {columns.map((column) => (
          <span key={column.id} role="columnheader" className={column.right ? "right cut" : "cut"}>
            {column.label}
          </span>
        ))}
      </div>
      <div className="table-body" role="rowgroup" style={fit ? undefined : { height: rows.length * ROW }}>
        {rows.slice(from, to).map((row, i) => {
          const index = from + i;
          const key = id(row);
          return (
            <div
              key={key}
              id={`${name}${index}`}
              role="row"
              aria-rowindex={index + 2}
              aria-selected={props.selected?.has(key) || props.chosen === key}
              className={`row${index === active ? " active" : ""}`}
              style={{ gridTemplateColumns: template, ...(fit ? {} : { transform: `translateY(${index * ROW}px)` }) }}
              onClick={(event) => press(row, index, event)}
            >
              {columns.map((column) => (
                <span key={column.id} role="gridcell" className={column.right ? "right cut num" : "cut"}>
                  {column.cell(row)}
                </span>
              ))}
            </div>
          );
        })}
      </div>
      {rows.length === 0 && <p className="table-none">{t("nothing-matches")}</p>}
    </div>
  );
}
