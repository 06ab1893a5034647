// What happened, newest first: the journal's events as lines, read on while the page is open.
import { useEffect, useState } from "react";
import type { LogRow } from "../../api/types";
import { navigate, to } from "../../app/route";
import { t } from "../../i18n/i18n";
import { Button, Search } from "../../ui/controls";
import { clock, moment } from "../../ui/format";
import { Card, Empty, Failure, Skeleton } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";
import { usePages } from "../runs/usePages";

const EVERY_MS = 2000;
const columns = (): Column<LogRow>[] => [
  { id: "at", label: t("when"), width: "76px", cell: (row) => <span className="dim num" title={moment(row.at)}>{clock(row.at)}</span> },
  { id: "kind", label: t("event"), width: "130px", cell: (row) => <code>{row.kind}</code> },
  { id: "task", label: t("task"), width: "minmax(70px, 0.6fr)", wide: true, cell: (row) => row.task ?? <span className="dim">–</span> },
  { id: "text", label: t("text"), width: "minmax(120px, 2.4fr)", cell: (row) => <span className="mono dim">{row.text}</span> },
];

export default function Logs() {
  const { rows, error, more, reload } = usePages<LogRow>("/logs");
  const [following, setFollowing] = useState(true);
  const [typed, setTyped] = useState("");
  const long = (rows?.length ?? 0) > 200;
  useEffect(() => {
    // Reading on from the top would throw away the pages that were scrolled to.
    if (!following || long) return;
    const timer = setInterval(reload, EVERY_MS);
    return () => clearInterval(timer);
  }, [following, long, reload]);
  const wanted = typed.toLowerCase();
  const shown = (rows ?? []).filter((row) => !wanted || `${row.kind} ${row.run} ${row.task} ${row.text}`.toLowerCase().includes(wanted));
  return (
    <div className="page fixed">
      <div className="page-bar">
        <Button small icon={following ? "pause" : "play"} aria-pressed={following} onClick={() => setFollowing(!following)}>
          {following ? t("logs.hold") : t("logs.follow")}
        </Button>
        <span className="gap" />
        <Search label={t("filter-logs")} value={typed} onChange={setTyped} />
      </div>
      <Card flush className="grows">
        {error && <Failure error={error} retry={reload} />}
        {!rows ? (
          <div className="padded">
            <Skeleton lines={14} />
          </div>
        ) : rows.length === 0 ? (
          <Empty icon="logs" title={t("logs.none")}>
            {t("logs.none-text")}
          </Empty>
        ) : (
          <Table
            label={t("panel.logs")}
            columns={columns()}
            rows={shown}
            id={(row) => String(row.seq)}
            onOpen={(row) => navigate(row.task ? to("runs", row.run, row.task) : to("runs", row.run))}
            onEnd={more}
          />
        )}
      </Card>
    </div>
  );
}
