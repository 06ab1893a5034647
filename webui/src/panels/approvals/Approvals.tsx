// What waits for a person: a list on the left, the one in hand on the right, decided by one key each.
import { useEffect, useState } from "react";
import type { Approval } from "../../api/types";
import { useKeys } from "../../app/keys";
import { useMay } from "../../app/session";
import { named, t } from "../../i18n/i18n";
import { Button, Segments } from "../../ui/controls";
import { ago } from "../../ui/format";
import { Badge, Card, Empty, Failure, Skeleton } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";
import { decide, decideMany } from "./decide";
import type { PanelProps } from "../registry";
import { Deck, riskTone } from "./Deck";
import { UndoBar } from "./UndoBar";
import { useApprovals } from "./useApprovals";
import "./approvals.css";

const columns = (): Column<Approval>[] => [
  { id: "title", label: t("question"), width: "minmax(100px, 1fr)", cell: (one) => <strong>{one.title}</strong> },
  { id: "risk", label: t("risk"), width: "74px", cell: (one) => <Badge tone={riskTone(one.risk)}>{named("risk", one.risk)}</Badge> },
  { id: "since", label: t("since"), width: "76px", right: true, cell: (one) => <span className="dim">{ago(one.created)}</span> },
];
const decidedColumns = (): Column<Approval>[] => [
  { id: "title", label: t("question"), width: "minmax(120px, 1.4fr)", cell: (one) => <strong>{one.title}</strong> },
  { id: "state", label: t("decision"), width: "104px", cell: (one) => <Badge tone={one.state === "approved" ? "ok" : one.state === "rejected" ? "bad" : "warn"}>{named("approval", one.state)}</Badge> },
  { id: "by", label: t("by"), width: "120px", wide: true, cell: (one) => <span className="dim">{one.decision?.by ?? "–"}</span> },
  { id: "reason", label: t("reason"), width: "minmax(80px, 1fr)", wide: true, cell: (one) => <span className="dim">{one.decision?.reason ?? ""}</span> },
  { id: "at", label: t("when"), width: "86px", right: true, cell: (one) => <span className="dim">{ago(one.decision?.at)}</span> },
];

function Waiting({ waiting, first }: { waiting: Approval[]; first: string | undefined }) {
  const may = useMay("approve");
  const [chosen, setChosen] = useState<string | null>(first ?? null);
  const index = Math.max(0, waiting.findIndex((one) => one.id === chosen));
  const card = waiting[index];
  const step = (by: number) => setChosen(waiting[Math.max(0, Math.min(waiting.length - 1, index + by))]?.id ?? null);
  // The next one takes the place of the decided one.
  const after = () => setChosen(waiting[index + 1]?.id ?? waiting[index - 1]?.id ?? null);
  const act = (verb: "approve" | "reject" | "escalate" | "later") => {
    if (card && may) void decide(card, verb).then((done) => done && after());
  };
  useKeys(t("panel.approvals"), [
    { keys: "a", label: t("verb.approve"), run: () => act("approve") },
    { keys: "r", label: t("verb.reject"), run: () => act("reject") },
    { keys: "e", label: t("verb.escalate"), run: () => act("escalate") },
    { keys: "l", label: t("verb.later"), run: () => act("later") },
    { keys: "j", label: t("keys.next"), run: () => step(1) },
    { keys: "k", label: t("keys.previous"), run: () => step(-1) },
  ]);
  const low = waiting.filter((one) => one.risk === "low");
  if (!card)
    return (
      <Card className="grows">
        <Empty icon="check" title={t("approvals.none")}>
          {t("approvals.none-text")} <code>{'{"prompt": "…", "approve": true}'}</code>
        </Empty>
      </Card>
    );
  return (
    <div className="triage">
      <Card
        flush
        className="triage-list"
        title={t("n-waiting", { n: waiting.length })}
        actions={
          may &&
          low.length > 1 && (
            <Button small onClick={() => void decideMany(low)}>
              {t("approve-low", { n: low.length })}
            </Button>
          )
        }
      >
        <Table label={t("panel.approvals")} columns={columns()} rows={waiting} id={(one) => one.id} chosen={card.id} onOpen={(one) => setChosen(one.id)} />
      </Card>
      <Deck card={card} left={waiting.length - index - 1} may={may} act={act} />
    </div>
  );
}

export default function Approvals({ parts: [first] }: PanelProps) {
  const { waiting, decided, error, reload } = useApprovals();
  const [tab, setTab] = useState<"waiting" | "decided">("waiting");
  useEffect(() => {
    if (tab === "decided") reload();
  }, [tab, reload]);
  if (!waiting) return <div className="page">{error ? <Failure error={error} retry={reload} /> : <Skeleton height={420} />}</div>;
  return (
    <div className="page fixed">
      <div className="page-bar">
        <Segments
          label={t("panel.approvals")}
          value={tab}
          options={[
            { value: "waiting", label: t("approval.waiting"), count: waiting.length },
            { value: "decided", label: t("approval.decided") },
          ]}
          onChange={setTab}
        />
        <span className="gap" />
        <UndoBar />
      </div>
      {tab === "waiting" ? (
        <Waiting key={first} waiting={waiting} first={first} />
      ) : (
        <Card flush className="grows">
          {decided.length === 0 ? (
            <Empty icon="approvals" title={t("approvals.none-decided")} />
          ) : (
            <Table label={t("approval.decided")} columns={decidedColumns()} rows={decided} id={(one) => one.id} />
          )}
        </Card>
      )}
    </div>
  );
}
