// Who changed what through the page, the phone or the API; kept by the server, never edited.
import type { AuditRow } from "../../api/types";
import { t } from "../../i18n/i18n";
import { ago, moment } from "../../ui/format";
import { Badge, Card, Empty, Failure, Skeleton } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";
import { useNarrow } from "../../ui/useNarrow";
import { usePages } from "../runs/usePages";

const columns = (narrow: boolean): Column<AuditRow>[] => [
  {
    id: "at",
    label: t("when"),
    width: narrow ? "76px" : "184px",
    cell: (row) => (
      <span className="dim num" title={moment(row.at)}>
        {narrow ? ago(row.at) : moment(row.at)}
      </span>
    ),
  },
  { id: "who", label: t("who"), width: "minmax(78px, 0.8fr)", cell: (row) => <strong>{row.who}</strong> },
  { id: "what", label: t("what"), width: "minmax(130px, 1.6fr)", cell: (row) => <code title={row.what}>{narrow ? row.what.replace("/api/v1", "") : row.what}</code> },
  { id: "status", label: t("status"), width: "70px", wide: true, cell: (row) => <Badge tone={row.status >= 400 ? "bad" : "ok"}>{row.status}</Badge> },
  { id: "detail", label: t("details"), width: "minmax(80px, 1.4fr)", wide: true, cell: (row) => <span className="dim">{row.detail ?? ""}</span> },
  { id: "address", label: t("address"), width: "110px", wide: true, cell: (row) => <span className="dim">{row.address ?? "–"}</span> },
];

export default function Audit() {
  const narrow = useNarrow();
  const { rows, error, more, reload } = usePages<AuditRow>("/audit");
  return (
    <div className="page fixed">
      <Card flush={!!rows?.length} className="grows">
        {error ? (
          <Failure error={error} retry={reload} />
        ) : !rows ? (
          <div className="padded">
            <Skeleton lines={12} />
          </div>
        ) : rows.length === 0 ? (
          <Empty icon="audit" title={t("audit.none")}>
            {t("audit.none-text")}
          </Empty>
        ) : (
          <Table label={t("panel.audit")} columns={columns(narrow)} rows={rows} id={(row) => String(row.seq)} onEnd={more} />
        )}
      </Card>
    </div>
  );
}
