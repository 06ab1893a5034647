// Plugins as they were found: which work, which do not, and why.
import { useResource } from "../../api/resource";
import type { Page, PluginRow } from "../../api/types";
import { t } from "../../i18n/i18n";
import { Badge, Card, Empty, Failure, Skeleton, type Tone } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";

const TONES: Record<string, Tone> = { loaded: "ok", active: "ok", ok: "ok", on: "ok", broken: "bad", failed: "bad", blocked: "warn", disabled: "neutral" };
const columns = (): Column<PluginRow>[] => [
  { id: "name", label: t("plugin"), width: "minmax(100px, 1fr)", cell: (row) => <strong>{row.name}</strong> },
  { id: "state", label: t("status"), width: "96px", cell: (row) => <Badge tone={TONES[row.state] ?? "neutral"}>{row.state}</Badge> },
  { id: "version", label: t("version"), width: "80px", wide: true, cell: (row) => <span className="dim">{row.version ?? "–"}</span> },
  { id: "from", label: t("from"), width: "minmax(90px, 0.8fr)", wide: true, cell: (row) => <span className="dim">{row.bundled ? t("bundled") : (row.dist ?? "–")}</span> },
  { id: "brings", label: t("brings"), width: "minmax(120px, 2fr)", wide: true, cell: (row) => <span className="dim">{row.reason || row.hooks.map((hook) => hook.replace("pyagent_", "")).join(", ")}</span> },
];

export function PluginList() {
  const { data, error, reload } = useResource<Page<PluginRow>>("/plugins");
  if (!data) return error ? <Failure error={error} retry={reload} /> : <Skeleton height={280} />;
  return (
    <Card flush className="grows">
      {data.items.length === 0 ? (
        <Empty icon="plugins" title={t("plugins.none")}>
          {t("plugins.none-text")} <code>pyagent plugin new</code>
        </Empty>
      ) : (
        <Table label={t("tab.plugins")} columns={columns()} rows={data.items} id={(row) => row.name} />
      )}
    </Card>
  );
}
