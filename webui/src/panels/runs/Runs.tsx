// Runs, newest first; one of them opened: its tasks; one task opened: its trace.
import { useState } from "react";
import type { Run } from "../../api/types";
import { openNewRun } from "../../app/actions";
import { navigate, to } from "../../app/route";
import { useMay } from "../../app/session";
import { named, t } from "../../i18n/i18n";
import type { PanelProps } from "../registry";
import { Button, Search, Segments } from "../../ui/controls";
import { ago, short, tokens, usd } from "../../ui/format";
import { Card, Empty, Failure, Skeleton } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";
import { Progress, RunBadge } from "../shared/RunBits";
import { useRuns } from "../shared/useRuns";
import { RunPage } from "./RunPage";
import { TaskPage } from "./TaskPage";
import "./runs.css";

const columns = (): Column<Run>[] => [
  { id: "name", label: t("run"), width: "minmax(120px, 1.3fr)", cell: (run) => <strong>{run.name}</strong> },
  { id: "status", label: t("status"), width: "104px", cell: (run) => <RunBadge run={run} /> },
  { id: "progress", label: t("tasks"), width: "minmax(150px, 1fr)", cell: (run) => <Progress run={run} />, wide: true },
  { id: "failed", label: t("failed"), width: "84px", right: true, wide: true, cell: (run) => run.done.failed || <span className="dim">–</span> },
  { id: "model", label: t("model"), width: "minmax(90px, 0.8fr)", wide: true, cell: (run) => <span className="dim">{run.model ?? "–"}</span> },
  { id: "tokens", label: t("tokens"), width: "72px", right: true, wide: true, cell: (run) => short(tokens(run.tokens)) },
  { id: "cost", label: t("cost"), width: "84px", right: true, wide: true, cell: (run) => usd(run.cost_usd) },
  { id: "started", label: t("started"), width: "86px", right: true, cell: (run) => <span className="dim">{ago(run.started)}</span> },
];

const FILTERS = ["all", "live", "finished", "stopped"] as const;
type Filter = (typeof FILTERS)[number];
const passes = (run: Run, filter: Filter): boolean => {
  if (filter === "all") return true;
  if (filter === "live") return run.alive || run.status === "waiting";
  return filter === "finished" ? run.status === "finished" : run.status === "stopped" || run.status === "dead";
};

function Everything() {
  const { runs, error, reload } = useRuns();
  const [filter, setFilter] = useState<Filter>("all");
  const [typed, setTyped] = useState("");
  const may = useMay("admin");
  const wanted = typed.toLowerCase();
  const rows = (runs ?? []).filter(
    (run) => passes(run, filter) && [run.name, run.file, run.model].some((text) => (text ?? "").toLowerCase().includes(wanted)),
  );
  if (!runs && error) return <div className="page">{<Failure error={error} retry={reload} />}</div>;
  return (
    <div className="page fixed">
      <div className="page-bar">
        <Segments
          label={t("status")}
          value={filter}
          options={FILTERS.map((value) => ({ value, label: named("filter", value), count: runs?.filter((run) => passes(run, value)).length }))}
          onChange={setFilter}
        />
        <span className="gap" />
        <Search label={t("filter-runs")} value={typed} onChange={setTyped} />
      </div>
      <Card flush className="grows">
        {!runs ? (
          <div className="padded">
            <Skeleton lines={12} />
          </div>
        ) : runs.length === 0 ? (
          <Empty
            icon="runs"
            title={t("no-runs.title")}
            action={
              may && (
                <Button tone="primary" icon="plus" keys="n" onClick={() => openNewRun()}>
                  {t("new-run")}
                </Button>
              )
            }
          >
            {t("no-runs.text")} <code>pyagent swarm run tasks.jsonl</code>
          </Empty>
        ) : (
          <Table label={t("panel.runs")} columns={columns()} rows={rows} id={(run) => run.id} onOpen={(run) => navigate(to("runs", run.id))} />
        )}
      </Card>
    </div>
  );
}

export default function Runs({ parts: [run, task] }: PanelProps) {
  if (run && task) return <TaskPage key={`${run}/${task}`} run={run} task={task} />;
  if (run) return <RunPage key={run} id={run} />;
  return <Everything />;
}
