// One run: how far it is, what it used, its levers, and all its tasks.
import { useDeferredValue, useEffect, useState } from "react";
import { at } from "../../api/client";
import type { Run, TaskPage as Shape, TaskRow } from "../../api/types";
import { navigate, to } from "../../app/route";
import { named, t } from "../../i18n/i18n";
import { Search } from "../../ui/controls";
import { ago, count, moment, seconds, short, tokens, usd } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { Badge, Card, Failure, Figure, Skeleton } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";
import { Levers, RunBadge, RunMeter, finished } from "../shared/RunBits";
import { STATES, stateTone } from "../shared/states";
import { useRun } from "../shared/useRuns";
import { usePages } from "./usePages";

const columns = (): Column<TaskRow>[] => [
  { id: "n", label: "#", width: "48px", right: true, wide: true, cell: (task) => <span className="dim">{task.n + 1}</span> },
  { id: "id", label: t("task"), width: "minmax(110px, 1.2fr)", cell: (task) => <strong>{task.id}</strong> },
  {
    id: "state",
    label: t("status"),
    width: "104px",
    cell: (task) => (
      <Badge tone={stateTone(task.state)} dot>
        {named("state", task.state)}
      </Badge>
    ),
  },
  { id: "model", label: t("model"), width: "minmax(80px, 0.9fr)", wide: true, cell: (task) => <span className="dim">{task.model ?? "–"}</span> },
  { id: "source", label: t("source"), width: "96px", wide: true, cell: (task) => <span className="dim">{task.source ? named("source", task.source) : "–"}</span> },
  { id: "tokens", label: t("tokens"), width: "70px", right: true, wide: true, cell: (task) => short(tokens(task.tokens)) },
  { id: "cost", label: t("cost"), width: "78px", right: true, wide: true, cell: (task) => (task.seconds == null ? "–" : usd(task.cost_usd)) },
  { id: "seconds", label: t("time"), width: "76px", right: true, cell: (task) => seconds(task.seconds) },
  { id: "error", label: t("error"), width: "minmax(80px, 1fr)", wide: true, cell: (task) => <span className="bad-text">{task.error ?? ""}</span> },
];

function Head({ run }: { run: Run }) {
  const total = tokens(run.tokens);
  return (
    <>
      <div className="figures">
        <Figure label={t("tasks")} value={<>{count(finished(run))}<small> / {count(run.total)}</small></>} note={<RunMeter run={run} />} />
        <Figure label={t("state.failed")} value={count(run.done.failed)} tone={run.done.failed ? "bad" : undefined} note={run.done.skipped ? t("n-skipped", { n: run.done.skipped }) : undefined} />
        <Figure label={t("tokens")} value={short(total)} note={t("in-out", { input: short(run.tokens.input), output: short(run.tokens.output) })} />
        <Figure label={t("cost")} value={usd(run.cost_usd)} note={run.model ?? undefined} />
        <Figure label={t("time")} value={seconds((run.alive ? Date.now() / 1000 : run.updated) - run.started)} note={<span title={moment(run.started)}>{t("began", { when: ago(run.started) })}</span>} />
      </div>
      {run.reason && run.status !== "finished" && (
        <p className="note-line">
          <Icon name="halt" size={14} /> {run.reason}
        </p>
      )}
    </>
  );
}

function Tasks({ run }: { run: Run }) {
  const [state, setState] = useState("");
  const [typed, setTyped] = useState("");
  const wanted = useDeferredValue(typed);
  const query = new URLSearchParams({ ...(state && { state }), ...(wanted && { q: wanted }) });
  const { rows, page, error, more, reload } = usePages<TaskRow, Shape>(`${at("runs", run.id, "tasks")}?${query}`);
  useEffect(() => {
    // The list is long and slow to move in; while the run works it is read again every two seconds.
    if (!run.alive) return;
    const timer = setInterval(() => (rows?.length ?? 0) <= 200 && reload(), 2000);
    return () => clearInterval(timer);
  }, [run.alive, rows?.length, reload]);
  const queued = page && !state && !wanted ? page.total - page.seen : 0;
  return (
    <>
      <div className="page-bar">
        <select aria-label={t("status")} value={state} onChange={(event) => setState(event.target.value)} className="state-choice">
          <option value="">{t("all-states")}</option>
          {STATES.filter((name) => name !== "queued").map((name) => (
            <option key={name} value={name}>
              {t(`state.${name}`)}
            </option>
          ))}
        </select>
        {queued > 0 && <span className="dim num">{t("n-queued", { n: queued })}</span>}
        <span className="gap" />
        <Search label={t("filter-tasks")} value={typed} onChange={setTyped} />
      </div>
      <Card flush className="grows">
        {error && <Failure error={error} retry={reload} />}
        {rows ? (
          <Table label={t("tasks")} columns={columns()} rows={rows} id={(task) => `${task.n}`} onOpen={(task) => navigate(to("runs", run.id, task.id))} onEnd={more} />
        ) : (
          <div className="padded">
            <Skeleton lines={10} />
          </div>
        )}
      </Card>
    </>
  );
}

export function RunPage({ id }: { id: string }) {
  const { run, error } = useRun(id);
  if (!run) return <div className="page">{error ? <Failure error={error} /> : <Skeleton height={101} />}</div>;
  return (
    <div className="page fixed">
      <div className="page-bar">
        <a href="#/runs" className="crumb">
          <Icon name="back" size={14} /> {t("panel.runs")}
        </a>
        <h2 className="page-title cut">{run.name}</h2>
        <RunBadge run={run} />
        <span className="gap" />
        <a className="button small" href={to("swarm", run.id)}>
          <Icon name="swarm" size={14} /> {t("watch")}
        </a>
        <a className="button small" href={`/api/v1${at("runs", run.id)}/results.jsonl`} download>
          <Icon name="download" size={14} /> {t("results")}
        </a>
        <a className="button small" href={`/api/v1${at("runs", run.id)}/trace.otlp.json`} download>
          <Icon name="download" size={14} /> OTLP
        </a>
        <Levers run={run} />
      </div>
      <Head run={run} />
      <Tasks run={run} />
    </div>
  );
}
