// The swarm as a table: the same agents as the grid, in words.
import { useEffect, useState } from "react";
import { objects, useResource } from "../../api/resource";
import type { AgentRow, Page } from "../../api/types";
import { t } from "../../i18n/i18n";
import { seconds } from "../../ui/format";
import { Badge } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";
import { STATES, stateTone, stateWord } from "../shared/states";
import type { Fleet } from "./fleet";
import type { Selection } from "./useSelection";

interface RollProps {
  run: string;
  /** What the run asks unless a task names another. */
  model: string | null;
  fleet: Fleet;
  beat: number;
  filter: number | null;
  typed: string;
  selection: Selection;
  onOpen: (n: number) => void;
}

/** Those at work now, by task, with the model that they ask; read again every second. */
export function useAtWork(run?: string): Map<string, AgentRow> {
  const { data, reload } = useResource<Page<AgentRow>>("/agents?limit=1000");
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => (reload(), tick((old) => old + 1)), 1000);
    return () => clearInterval(timer);
  }, [reload]);
  const rows = objects<AgentRow>(data).filter((row) => run === undefined || row.run === run);
  return new Map(rows.map((row) => [run === undefined ? `${row.run}/${row.task}` : row.task, row]));
}

export function Roll({ run, model, fleet, filter, typed, selection, onOpen }: RollProps) {
  const atWork = useAtWork(run);
  const wanted = typed.toLowerCase();
  const rows: number[] = [];
  for (let n = 0; n < fleet.total; n++) {
    if (filter !== null && fleet.states[n] !== filter) continue;
    if (wanted && !(fleet.ids[n] ?? "").toLowerCase().includes(wanted)) continue;
    rows.push(n);
  }
  const worker = (n: number) => atWork.get(fleet.ids[n] ?? "");
  const columns: Column<number>[] = [
    {
      id: "pick",
      label: "",
      width: "18px",
      cell: (n) => (
        <input type="checkbox" tabIndex={-1} aria-label={t("keys.select")} checked={selection.chosen.has(n)} readOnly onClick={(event) => (event.stopPropagation(), selection.toggle(n))} />
      ),
    },
    { id: "n", label: "#", width: "56px", right: true, wide: true, cell: (n) => <span className="dim">{n + 1}</span> },
    { id: "task", label: t("task"), width: "minmax(110px, 1.4fr)", cell: (n) => (fleet.ids[n] ? <strong>{fleet.ids[n]}</strong> : <span className="dim">{t("not-begun")}</span>) },
    {
      id: "state",
      label: t("status"),
      width: "110px",
      cell: (n) => (
        <Badge tone={stateTone(STATES[fleet.states[n]!]!)} dot>
          {t(stateWord(fleet.states[n]!))}
        </Badge>
      ),
    },
    { id: "model", label: t("model"), width: "minmax(90px, 1fr)", wide: true, cell: (n) => <span className="dim">{worker(n)?.model ?? (fleet.states[n] === 0 ? "" : model)}</span> },
    { id: "since", label: t("at-work-for"), width: "96px", right: true, wide: true, cell: (n) => (worker(n) ? seconds(Math.max(0, Date.now() / 1000 - worker(n)!.started)) : "") },
  ];
  const chosen = new Set([...selection.chosen].map(String));
  return (
    <Table
      label={t("swarm.table")}
      columns={columns}
      rows={rows}
      id={String}
      selected={chosen}
      onOpen={(n) => (selection.go(n), onOpen(n))}
      onSelect={(n, range) => (range ? selection.range(n) : selection.toggle(n))}
    />
  );
}
