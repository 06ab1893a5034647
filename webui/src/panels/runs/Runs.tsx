// Runs, newest first; one of them opened: its tasks; one task opened: its trace.
import { useState } from "react";
import type { Run } from "../../api/types";
import { named, t } from "../../i18n/i18n";
import type { PanelProps } from "../registry";
import { Search, Segments } from "../../ui/controls";
import { Card, Failure, Skeleton } from "../../ui/surfaces";
import { NoRuns } from "../shared/NoRuns";
import { RunTable } from "../shared/RunTable";
import { useRuns } from "../shared/useRuns";
import { RunPage } from "./RunPage";
import { TaskPage } from "./TaskPage";
import "./runs.css";

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
          <NoRuns />
        ) : (
          <RunTable label={t("panel.runs")} runs={rows} />
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
