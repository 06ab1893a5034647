// The first look: what is at work, what waits for you, what it cost, and what ran last.
import { lazy, Suspense, useState } from "react";
import { useResource, useTopic } from "../../api/resource";
import type { Approval, Overview as Shape } from "../../api/types";
import { navigate, to } from "../../app/route";
import { named, t } from "../../i18n/i18n";
import { count, short, usd } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { Badge, Card, Empty, Failure, Figure, Skeleton } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";
import { riskTone } from "../approvals/Deck";
import { useApprovals } from "../approvals/useApprovals";
import { NoRuns } from "../shared/NoRuns";
import { RunTable } from "../shared/RunTable";
import "./overview.css";

const LiveCard = lazy(() => import("../stats/LiveCard"));
const SHOWN = 4;

function Figures({ data }: { data: Shape }) {
  return (
    <div className="figures">
      <Figure label={t("agents-at-work")} value={count(data.agents_at_work)} note={t("over-runs", { n: data.runs.running })} />
      <Figure
        label={t("waiting-for-you")}
        value={count(data.approvals_waiting)}
        tone={data.approvals_waiting ? "warn" : undefined}
        note={data.approvals_waiting ? t("decide-now") : t("nothing-waits")}
      />
      <Figure label={t("tasks-24h")} value={short(data.tasks_done_24h)} note={t("last-24h")} />
      <Figure label={t("tokens-24h")} value={short(data.tokens_24h)} note={t("last-24h")} />
      <Figure label={t("cost-24h")} value={usd(data.cost_usd_24h)} note={data.unknown_cost ? t("some-cost-unknown") : t("last-24h")} />
    </div>
  );
}

const question = (): Column<Approval>[] => [
  { id: "title", label: t("question"), width: "minmax(80px, 1fr)", cell: (one) => <strong>{one.title}</strong> },
  { id: "risk", label: t("risk"), width: "66px", cell: (one) => <Badge tone={riskTone(one.risk)}>{named("risk", one.risk)}</Badge> },
];

function Waiting() {
  const { waiting } = useApprovals();
  return (
    <Card
      flush
      title={t("waiting-for-you")}
      actions={
        !!waiting?.length && (
          <a className="more-link" href="#/approvals">
            {t("decide-now")} <Icon name="open" size={13} />
          </a>
        )
      }
    >
      {waiting === undefined ? (
        <div className="padded">
          <Skeleton lines={4} />
        </div>
      ) : waiting.length === 0 ? (
        <Empty icon="check" title={t("approvals.none")} />
      ) : (
        <Table fit label={t("waiting-for-you")} columns={question()} rows={waiting.slice(0, SHOWN)} id={(one) => one.id} onOpen={(one) => navigate(to("approvals", one.id))} />
      )}
    </Card>
  );
}

export default function Overview() {
  const { data: read, error, reload } = useResource<Shape>("/overview");
  const [live, setLive] = useState<Shape>();
  useTopic("overview", (message) => setLive(message.data as Shape));
  const data = live ?? read;
  if (!data && error) return <div className="page">{<Failure error={error} retry={reload} />}</div>;
  return (
    <div className="page">
      {data ? <Figures data={data} /> : <Skeleton height={101} />}
      <div className="now">
        <Suspense fallback={<Skeleton height={227} />}>
          <LiveCard />
        </Suspense>
        <Waiting />
      </div>
      <Card
        flush
        title={t("recent-runs")}
        actions={
          <a className="more-link" href="#/runs">
            {t("all-runs")} <Icon name="open" size={13} />
          </a>
        }
      >
        {!data ? (
          <div className="padded">
            <Skeleton lines={8} />
          </div>
        ) : data.recent.length === 0 ? (
          <NoRuns />
        ) : (
          <RunTable fit label={t("recent-runs")} runs={data.recent} />
        )}
      </Card>
    </div>
  );
}
