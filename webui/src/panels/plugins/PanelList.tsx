// Which panels this page shows, and in which order; it holds for everybody who opens it.
import { api, at } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Page, PanelRow } from "../../api/types";
import { useMay } from "../../app/session";
import { attempt } from "../../app/toast";
import { revision } from "../registry";
import { known, t } from "../../i18n/i18n";
import { Button, Switch } from "../../ui/controls";
import { Icon, drawn } from "../../ui/icons";
import { Badge, Card, Failure, Skeleton } from "../../ui/surfaces";

const title = (row: PanelRow): string => (row.builtin && known(`panel.${row.id}`) ? t(`panel.${row.id}` as "panel.runs") : row.title);

export function PanelList() {
  const { data, error, reload } = useResource<Page<PanelRow>>("/panels");
  const may = useMay("admin");
  if (!data) return error ? <Failure error={error} retry={reload} /> : <Skeleton height={280} />;
  const rows = [...data.items].sort((a, b) => a.order - b.order);
  const set = async (row: PanelRow, change: Partial<Pick<PanelRow, "enabled" | "order">>) => {
    await attempt(api.patch(at("panels", row.id), change, row.etag));
    reload();
    revision.set(revision.get() + 1);
  };
  const swap = async (i: number, by: number) => {
    const [one, other] = [rows[i]!, rows[i + by]!];
    const same = one.order === other.order;
    await set(one, { order: same ? other.order + by : other.order });
    if (!same) await set(other, { order: one.order });
  };
  return (
    <Card flush className="grows scrolling">
      <ul className="panel-list">
        {rows.map((row, i) => (
          <li key={row.id}>
            <Icon name={drawn(row.id) ? row.id : drawn(row.icon) ? row.icon : title(row)} />
            <strong>{title(row)}</strong>
            {!row.builtin && <Badge tone="accent">{t("plugin")}</Badge>}
            <span className="gap" />
            <Button small tone="quiet" icon="up" aria-label={t("move-up", { name: title(row) })} disabled={!may || i === 0} onClick={() => void swap(i, -1)} />
            <Button small tone="quiet" icon="down" aria-label={t("move-down", { name: title(row) })} disabled={!may || i === rows.length - 1} onClick={() => void swap(i, 1)} />
            <Switch label={t("show-panel", { name: title(row) })} on={row.enabled} disabled={!may || row.id === "settings"} onChange={(enabled) => void set(row, { enabled })} />
          </li>
        ))}
      </ul>
    </Card>
  );
}
