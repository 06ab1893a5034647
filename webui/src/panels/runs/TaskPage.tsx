// One task: what was asked, what it answers (live while it does), and its trace as a waterfall.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { api, at, type ApiError } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Page, Span, TaskDetail } from "../../api/types";
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

/** All spans of a task: what came with it, and further pages as they are asked for. */
function useSpans(path: string, task: TaskDetail | undefined): { spans: Span[]; more: () => void } {
  const [further, setFurther] = useState<Span[]>([]);
  const next = useRef<string | null | undefined>(undefined);
  const busy = useRef(false);
  const more = useCallback(() => {
    const cursor = next.current === undefined ? task?.spans_next : next.current;
    if (!cursor || busy.current) return;
    busy.current = true;
    void api
      .get<Page<Span>>(`${path}/spans?limit=1000&cursor=${encodeURIComponent(cursor)}`)
      .then((page) => {
        next.current = page.next;
        setFurther((old) => [...old, ...page.items]);
      })
      .catch(() => (next.current = null))
      .finally(() => (busy.current = false));
  }, [path, task?.spans_next]);
  // The time axis needs the whole trace, so the rest is read while the first rows are looked at.
  useEffect(more, [more, further.length]);
  const spans = useMemo(() => [...(task?.spans ?? []), ...further], [task?.spans, further]);
  return { spans, more };
}

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

export function TaskPage({ run, task: id }: { run: string; task: string }) {
  const path = at("runs", run, "tasks", id);
  const { data: task, error, reload } = useResource<TaskDetail>(path);
  const { spans, more } = useSpans(path, task);
  const [chosen, setChosen] = useState<string | null>(null);
  const open = task !== undefined && OPEN.has(task.state);
  useEffect(() => {
    if (!open) return;
    const timer = setInterval(reload, 2000);
    return () => clearInterval(timer);
  }, [open, reload]);
  const focus = spans.find((span) => span.span === chosen) ?? spans.find((span) => span.name === "call") ?? spans[0];
  if (!task) return <div className="page">{error ? <Failure error={error as ApiError} retry={reload} /> : <Skeleton height={400} />}</div>;
  return (
    <div className="page task-page">
      <Head run={run} task={task} />
      <Words run={run} task={task} />
      <Card flush className="trace" title={t("trace")} actions={<span className="dim num">{t("n-spans", { n: spans.length })}</span>}>
        {spans.length === 0 ? (
          <Empty icon="runs" title={t("no-spans.title")}>
            {t("no-spans.text")}
          </Empty>
        ) : (
          <div className="trace-panes">
            <Waterfall spans={spans} chosen={focus?.span ?? null} onChoose={(span) => setChosen(span.span)} onEnd={more} />
            {focus && <SpanDetail span={focus} />}
          </div>
        )}
      </Card>
    </div>
  );
}
