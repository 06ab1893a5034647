// One task: what was asked, what it answers (live while it does), and its trace as a waterfall.
import { useEffect, useState } from "react";
import { at } from "../../api/client";
import { useResource } from "../../api/resource";
import type { TaskDetail, Trace } from "../../api/types";
import { to } from "../../app/route";
import { named, t } from "../../i18n/i18n";
import { asked, count, pretty, seconds, tokens, usd } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { Badge, Card, Empty, Failure, Skeleton } from "../../ui/surfaces";
import { stateTone } from "../shared/states";
import { useRun } from "../shared/useRuns";
import { useStream } from "../shared/useStream";
import { SpanDetail } from "./SpanDetail";
import { Waterfall } from "./Waterfall";

const OPEN = new Set(["queued", "asking", "waiting"]);

function Head({ run, task }: { run: string; task: TaskDetail }) {
  const { run: whole } = useRun(run);
  return (
    <div className="page-bar">
      <a href={to("runs", run)} className="crumb">
        <Icon name="back" size={14} /> {whole?.name ?? t("run")}
      </a>
      <h2 className="page-title cut">{task.id}</h2>
      <Badge tone={stateTone(task.state)} dot>
        {named("state", task.state)}
      </Badge>
      <span className="gap" />
      <span className="dim num">
        {[task.model, `${count(tokens(task.tokens))} ${t("tokens")}`, `${t("cost")} ${usd(task.cost_usd)}`, seconds(task.seconds)].filter(Boolean).join("  ·  ")}
      </span>
    </div>
  );
}

function Words({ run, task }: { run: string; task: TaskDetail }) {
  const stream = useStream(run, task.id, OPEN.has(task.state));
  const answer = task.output != null ? pretty(task.output) : stream || task.text;
  return (
    <div className="words">
      <Card title={t("prompt")}>
        <pre className="scrolls" tabIndex={0} aria-label={t("prompt")}>{task.prompt == null ? t("prompt-not-kept") : asked(task.prompt)}</pre>
      </Card>
      <Card title={t("answer")}>
        <pre className="scrolls" tabIndex={0} aria-label={t("answer")} aria-live={OPEN.has(task.state) ? "off" : undefined}>
          {answer}
          {OPEN.has(task.state) && <i className="caret" />}
        </pre>
        {task.error && (
          <p className="bad-text error-line">
            <Icon name="halt" size={14} /> {task.error}
          </p>
        )}
      </Card>
    </div>
  );
}

/** The first call to a model is what most people look for. */
const first = (trace: Trace): number => Math.max(0, trace.name.indexOf(trace.names.indexOf("call")));

function Steps({ run, task, open }: { run: string; task: string; open: boolean }) {
  const { data: trace, error, reload } = useResource<Trace>(at("runs", run, "traces", task));
  const [chosen, setChosen] = useState<string | null>(null);
  useEffect(() => {
    if (!open) return;
    const timer = setInterval(reload, 2000);
    return () => {
      clearInterval(timer);
      // Once more when the task has ended: its last spans close with it.
      reload();
    };
  }, [open, reload]);
  const found = chosen === null ? -1 : (trace?.span.indexOf(chosen) ?? -1);
  const focus = found >= 0 || !trace ? found : first(trace);
  return (
    <Card flush className="trace" title={t("trace")} actions={trace && <span className="dim num">{t("n-spans", { n: trace.span.length })}</span>}>
      {!trace ? (
        <div className="padded">{error ? <Failure error={error} retry={reload} /> : <Skeleton lines={8} />}</div>
      ) : trace.span.length === 0 ? (
        <Empty icon="runs" title={t("no-spans.title")}>
          {t("no-spans.text")}
        </Empty>
      ) : (
        <div className="trace-panes">
          <Waterfall trace={trace} chosen={focus} onChoose={(place) => setChosen(trace.span[place]!)} />
          <SpanDetail run={run} task={task} trace={trace} at={focus} />
        </div>
      )}
    </Card>
  );
}

export function TaskPage({ run, task: id }: { run: string; task: string }) {
  const { data: task, error, reload } = useResource<TaskDetail>(at("runs", run, "tasks", id));
  const open = task !== undefined && OPEN.has(task.state);
  useEffect(() => {
    if (!open) return;
    const timer = setInterval(reload, 2000);
    return () => clearInterval(timer);
  }, [open, reload]);
  if (!task && error) return <div className="page">{<Failure error={error} retry={reload} />}</div>;
  // The trace does not wait for the words above it.
  return (
    <div className="page task-page">
      {task ? (
        <>
          <Head run={run} task={task} />
          <Words run={run} task={task} />
        </>
      ) : (
        <Skeleton height={260} />
      )}
      <Steps run={run} task={id} open={open} />
    </div>
  );
}
