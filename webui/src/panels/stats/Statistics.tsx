// What it all came to: throughput now, tokens and money by day, latency by model, cache, routing, capability.
import { lazy, Suspense, useState, type ReactNode } from "react";
import { useResource, useTopic } from "../../api/resource";
import type { Stats } from "../../api/types";
import { named, number, t } from "../../i18n/i18n";
import { Segments } from "../../ui/controls";
import { ago, bytes, count, seconds, short, usd } from "../../ui/format";
import { Card, Empty, Facts, Failure, Figure, Skeleton } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";
import LiveCard from "./LiveCard";
import "./stats.css";

const Charts = lazy(() => import("./Charts"));
const DAYS = ["7", "30", "90"] as const;
type Row = Stats["models"][number];

const columns = (): Column<Row>[] => [
  { id: "model", label: t("model"), width: "minmax(110px, 1.4fr)", cell: (row) => <strong>{row.model}</strong> },
  { id: "tasks", label: t("tasks"), width: "72px", right: true, cell: (row) => count(row.tasks) },
  { id: "failed", label: t("failed"), width: "84px", right: true, wide: true, cell: (row) => row.failed || <span className="dim">–</span> },
  { id: "tokens", label: t("tokens"), width: "80px", right: true, wide: true, cell: (row) => short(row.tokens) },
  { id: "cost", label: t("cost"), width: "88px", right: true, wide: true, cell: (row) => usd(row.cost_usd) },
  { id: "p50", label: "p50", width: "76px", right: true, cell: (row) => seconds(row.p50) },
  { id: "p95", label: "p95", width: "76px", right: true, cell: (row) => seconds(row.p95) },
  { id: "p99", label: "p99", width: "76px", right: true, wide: true, cell: (row) => seconds(row.p99) },
];

const sum = (list: (number | null)[]): number => list.reduce<number>((total, value) => total + (value ?? 0), 0);
const shown = (value: unknown): string => (typeof value === "number" ? number(value, { maximumFractionDigits: 3 }) : String(value ?? "–"));

function Figures({ stats: { series } }: { stats: Stats }) {
  const tasks = sum(series.tasks);
  const unknown = series.cost_usd.some((value, i) => value === null && (series.tasks[i] ?? 0) > 0);
  return (
    <div className="figures">
      <Figure label={t("tasks")} value={short(tasks)} note={t("n-failed", { n: sum(series.failed) })} />
      <Figure label={t("tokens.in")} value={short(sum(series.tokens_in))} />
      <Figure label={t("tokens.out")} value={short(sum(series.tokens_out))} />
      <Figure label={t("cost")} value={usd(sum(series.cost_usd))} note={unknown ? t("some-cost-unknown") : undefined} />
      <Figure label={t("success")} value={tasks ? number(1 - sum(series.failed) / tasks, { style: "percent", maximumFractionDigits: 1 }) : "–"} />
    </div>
  );
}

const share = (value: unknown): string => (typeof value === "number" ? number(value, { style: "percent", maximumFractionDigits: 1 }) : "–");

function Cache({ cache, sources }: { cache: Stats["cache"]; sources: Stats["sources"] }) {
  const known = (name: string, look: (value: never) => string): [string, string][] =>
    cache?.[name] == null ? [] : [[t(`cache.${name as "entries"}`), look(cache[name] as never)]];
  return (
    <Card title={t("cache")}>
      {cache === null ? (
        <Empty icon="undo" title={t("cache.none")}>
          {t("cache.none-text")}
        </Empty>
      ) : (
        <Facts
          facts={[
            ...known("entries", count),
            ...known("bytes", bytes),
            ...known("hit_rate", share),
            ...known("saved_tokens", count),
            ...known("saved_usd", usd),
            // Over the days chosen above; the rest counts from the cache's beginning.
            ...Object.entries(sources).map(([name, n]): [string, string] => [t("answers-from", { source: named("source", name) }), count(n)]),
          ]}
        />
      )}
    </Card>
  );
}

/** The router's columns by name, in words; what another plugin gives stands as it is. */
const ROUTED: Record<string, { label: () => string; look: (value: unknown) => ReactNode; right?: boolean }> = {
  model: { label: () => t("model"), look: (value) => <strong>{String(value)}</strong> },
  tasks: { label: () => t("tasks"), look: (value) => count(value as number), right: true },
  chance: { label: () => t("routing.chance"), look: share, right: true },
  judged: { label: () => t("routing.judged"), look: (value) => count(value as number), right: true },
  good: { label: () => t("routing.good"), look: share, right: true },
  last: { label: () => t("routing.last"), look: (value) => <span className="dim">{ago(value as number)}</span>, right: true },
};

function Routing({ routing }: { routing: Stats["routing"] }) {
  const names = [...new Set(routing.flatMap((row) => Object.keys(row)))].slice(0, 6);
  const column = (name: string): Column<Stats["routing"][number]> => {
    const known = ROUTED[name];
    const wide = !["model", "tasks", "chance"].includes(name);
    return { id: name, label: known?.label() ?? name.replaceAll("_", " "), width: name === "model" ? "minmax(90px, 1.3fr)" : "minmax(70px, 1fr)", right: known?.right, wide, cell: (row) => (known?.look ?? shown)(row[name]) };
  };
  return (
    <Card flush={routing.length > 0} title={t("routing")}>
      {routing.length === 0 ? (
        <Empty icon="models" title={t("routing.none")}>
          {t("routing.none-text")}
        </Empty>
      ) : (
        <Table<Stats["routing"][number]> fit label={t("routing")} rows={routing.slice(0, 20)} id={(row) => JSON.stringify(row)} columns={names.map(column)} />
      )}
    </Card>
  );
}

function All({ stats }: { stats: Stats }) {
  return (
    <>
      <Figures stats={stats} />
      <Suspense fallback={<Skeleton height={260} />}>
        <Charts stats={stats} />
      </Suspense>
      <Card flush={stats.models.length > 0} title={t("by-model")}>
        {stats.models.length === 0 ? (
          <Empty icon="models" title={t("stats.none")}>
            {t("stats.none-text")}
          </Empty>
        ) : (
          <Table fit label={t("by-model")} columns={columns()} rows={stats.models} id={(row) => row.model} />
        )}
      </Card>
      <div className="columns">
        <Cache cache={stats.cache} sources={stats.sources} />
        <Routing routing={stats.routing} />
      </div>
    </>
  );
}

export default function Statistics() {
  const [days, setDays] = useState<(typeof DAYS)[number]>("30");
  const { data, error, reload } = useResource<Stats>(`/stats?days=${days}`);
  const [live, setLive] = useState<Stats>();
  useTopic("stats", (message) => setLive(message.data as Stats));
  // The stream speaks of thirty days.
  const stats = days === "30" ? (live ?? data) : data;
  return (
    <div className="page">
      <div className="page-bar">
        <Segments label={t("period")} value={days} options={DAYS.map((value) => ({ value, label: t("n-days", { n: Number(value) }) }))} onChange={setDays} />
      </div>
      <LiveCard />
      {stats ? <All stats={stats} /> : error ? <Failure error={error} retry={reload} /> : <Skeleton height={400} />}
    </div>
  );
}
