// Runs as rows, the same wherever runs are listed.
import type { Run } from "../../api/types";
import { navigate, to } from "../../app/route";
import { t } from "../../i18n/i18n";
import { ago, short, tokens, usd } from "../../ui/format";
import { Table, type Column } from "../../ui/Table";
import { Progress, RunBadge } from "./RunBits";

const columns = (): Column<Run>[] => [
  { id: "name", label: t("run"), width: "minmax(120px, 1.3fr)", cell: (run) => <strong>{run.name}</strong> },
  { id: "status", label: t("status"), width: "104px", cell: (run) => <RunBadge run={run} /> },
  { id: "progress", label: t("tasks"), width: "minmax(150px, 1fr)", cell: (run) => <Progress run={run} />, wide: true },
  { id: "failed", label: t("failed"), width: "84px", right: true, wide: true, cell: (run) => run.done.failed || <span className="dim">–</span> },
  { id: "model", label: t("model"), width: "minmax(90px, 0.8fr)", wide: true, cell: (run) => <span className="dim">{run.model ?? "–"}</span> },
  { id: "tokens", label: t("tokens"), width: "76px", right: true, wide: true, cell: (run) => short(tokens(run.tokens)) },
  { id: "cost", label: t("cost"), width: "84px", right: true, wide: true, cell: (run) => usd(run.cost_usd) },
  { id: "started", label: t("started"), width: "86px", right: true, cell: (run) => <span className="dim">{ago(run.started)}</span> },
];

/** `fit`: as high as its rows, where they are few. */
export function RunTable({ runs, label, fit }: { runs: Run[]; label: string; fit?: boolean }) {
  return <Table fit={fit} label={label} columns={columns()} rows={runs} id={(run) => run.id} onOpen={(run) => navigate(to("runs", run.id))} />;
}
