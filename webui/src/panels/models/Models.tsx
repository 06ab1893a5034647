// The models that can be asked: where they run, what they cost, what is measured of them.
import { useState } from "react";
import { useResource } from "../../api/resource";
import type { ModelRow, Page } from "../../api/types";
import { number, t } from "../../i18n/i18n";
import { Search, Segments } from "../../ui/controls";
import { short } from "../../ui/format";
import { Badge, Card, Empty, Facts, Failure, Skeleton } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";
import "./models.css";

const price = (value: number | null): string => (value === null ? t("unknown") : value === 0 ? t("free") : `$${number(value, { maximumFractionDigits: 3 })}`);

const columns = (): Column<ModelRow>[] => [
  {
    id: "name",
    label: t("model"),
    width: "minmax(140px, 1.6fr)",
    cell: (model) => (
      <>
        <strong>{model.name}</strong> {model.default && <Badge tone="accent">{t("default")}</Badge>}
      </>
    ),
  },
  { id: "where", label: t("runs-at"), width: "minmax(90px, 1fr)", wide: true, cell: (model) => (model.local ? t("this-machine") : (model.provider ?? model.engine)) },
  { id: "context", label: t("context"), width: "84px", right: true, wide: true, cell: (model) => short(model.context) },
  { id: "input", label: t("price.in"), width: "104px", right: true, wide: true, cell: (model) => price(model.input_price) },
  { id: "output", label: t("price.out"), width: "104px", right: true, wide: true, cell: (model) => price(model.output_price) },
  {
    id: "measured",
    label: t("measured"),
    width: "96px",
    cell: (model) => (model.measured ? <Badge tone="ok">{t("yes")}</Badge> : <Badge>{t("not-yet")}</Badge>),
  },
];

function Detail({ model }: { model: ModelRow }) {
  const measured = Object.entries(model.measured ?? {});
  return (
    <Card title={model.name} className="model-detail">
      <Facts
        facts={[
          [t("engine"), <code key="engine">{model.engine}</code>],
          [t("runs-at"), model.local ? t("this-machine") : (model.provider ?? "–")],
          [t("context"), model.context === null ? t("unknown") : `${number(model.context)} ${t("tokens")}`],
          [t("price.in"), price(model.input_price)],
          [t("price.out"), price(model.output_price)],
        ]}
      />
      <div>
        <h3>{t("measured")}</h3>
        {measured.length === 0 ? (
          <p className="dim">
            {t("model.unmeasured")} <code>pyagent capability check</code>
          </p>
        ) : (
          <Facts facts={measured.map(([name, value]) => [name === "week" ? t("week") : name, typeof value === "number" ? number(value, { style: "percent", maximumFractionDigits: 1 }) : String(value)])} />
        )}
      </div>
    </Card>
  );
}

export default function Models() {
  const { data, error, reload } = useResource<Page<ModelRow>>("/models");
  const [where, setWhere] = useState<"all" | "local" | "remote">("all");
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  if (!data) return <div className="page">{error ? <Failure error={error} retry={reload} /> : <Skeleton height={360} />}</div>;
  const rows = data.items.filter(
    (model) => (where === "all" || model.local === (where === "local")) && model.name.toLowerCase().includes(typed.toLowerCase()),
  );
  const model = data.items.find((one) => one.name === chosen);
  if (data.items.length === 0)
    return (
      <div className="page">
        <Card>
          <Empty icon="models" title={t("models.none")}>
            {t("models.none-text")} <code>pyagent model add</code>
          </Empty>
        </Card>
      </div>
    );
  return (
    <div className="page fixed">
      <div className="page-bar">
        <Segments label={t("runs-at")} value={where} options={(["all", "local", "remote"] as const).map((value) => ({ value, label: t(`where.${value}`) }))} onChange={setWhere} />
        <span className="gap" />
        <Search label={t("filter-models")} value={typed} onChange={setTyped} />
      </div>
      <div className={`beside${model ? " two" : ""}`}>
        <Card flush className="grows">
          <Table label={t("panel.models")} columns={columns()} rows={rows} id={(one) => one.name} chosen={chosen} onOpen={(one) => setChosen(one.name === chosen ? null : one.name)} />
        </Card>
        {model && <Detail model={model} />}
      </div>
    </div>
  );
}
