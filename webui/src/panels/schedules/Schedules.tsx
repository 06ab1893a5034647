// What runs by itself and when next; schedules are made on the command line.
import { useResource } from "../../api/resource";
import type { Page, ScheduleRow } from "../../api/types";
import { t } from "../../i18n/i18n";
import { moment } from "../../ui/format";
import { Card, Empty, Failure, Skeleton } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";

const next = (row: ScheduleRow): string => (typeof row.next === "number" ? moment(row.next) : (row.next ?? t("not-served")));
const columns = (): Column<ScheduleRow>[] => [
  { id: "id", label: t("schedule"), width: "minmax(110px, 1fr)", cell: (row) => <strong>{row.id}</strong> },
  { id: "when", label: t("when"), width: "minmax(110px, 1fr)", cell: (row) => <code>{row.when ?? "–"}</code> },
  { id: "next", label: t("next-time"), width: "minmax(120px, 1fr)", cell: next },
  { id: "command", label: t("command"), width: "minmax(120px, 2fr)", wide: true, cell: (row) => <code>{row.command ?? "–"}</code> },
];

export default function Schedules() {
  const { data, error, reload } = useResource<Page<ScheduleRow>>("/schedules");
  if (!data) return <div className="page">{error ? <Failure error={error} retry={reload} /> : <Skeleton height={280} />}</div>;
  // Times are known once something serves the schedule.
  const idle = data.items.length > 0 && data.items.every((row) => row.next == null);
  return (
    <div className="page fixed">
      {idle && (
        <p className="dim">
          {t("schedules.idle")} <code>pyagent schedule serve</code> {t("schedules.other")} <code>pyagent schedule print</code>
        </p>
      )}
      <Card flush={data.items.length > 0} className="grows">
        {data.items.length === 0 ? (
          <Empty icon="schedules" title={t("schedules.none")}>
            {t("schedules.none-text")} <code>pyagent capability schedule</code>
          </Empty>
        ) : (
          <Table label={t("panel.schedules")} columns={columns()} rows={data.items} id={(row) => row.id} />
        )}
      </Card>
    </div>
  );
}
