// One agent opened beside the swarm: what it was asked, and its answer as it comes.
import { useEffect, useRef } from "react";
import { api, at } from "../../api/client";
import { useResource } from "../../api/resource";
import type { TaskDetail } from "../../api/types";
import { to } from "../../app/route";
import { useMay } from "../../app/session";
import { attempt } from "../../app/toast";
import { named, t } from "../../i18n/i18n";
import { Button } from "../../ui/controls";
import { asked, count, pretty, seconds, tokens, usd } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { Badge, Empty, Facts, Failure, Skeleton } from "../../ui/surfaces";
import { STATES, stateTone } from "../shared/states";
import { useStream } from "../shared/useStream";

interface PaneProps {
  run: string;
  n: number;
  task: string | undefined;
  state: number;
  onClose: () => void;
}

export const stopAgents = (run: string, tasks: string[]): Promise<unknown> =>
  attempt(api.post(at("runs", run, "tasks", "stop"), { tasks }), t("stop-agents.done", { n: tasks.length }));

function Body({ run, task, state }: { run: string; task: string; state: number }) {
  const { data, error, reload } = useResource<TaskDetail>(at("runs", run, "tasks", task));
  const working = state === 1;
  const stream = useStream(run, task, working);
  const end = useRef<HTMLDivElement>(null);
  useEffect(reload, [state, reload]);
  useEffect(() => {
    if (working) end.current?.scrollIntoView({ block: "nearest" });
  }, [stream, working]);
  if (!data) return error ? <Failure error={error} retry={reload} /> : <Skeleton lines={8} />;
  const answer = !working && data.output != null ? pretty(data.output) : stream || data.text;
  return (
    <>
      <Facts
        facts={[
          [t("model"), data.model ?? "–"],
          [t("tokens"), count(tokens(data.tokens))],
          [t("cost"), data.seconds == null ? "–" : usd(data.cost_usd)],
          [t("time"), seconds(data.seconds)],
        ]}
      />
      {data.error && <p className="bad-text">{data.error}</p>}
      <h3>{t("prompt")}</h3>
      <pre className="pane-text">{data.prompt == null ? t("prompt-not-kept") : asked(data.prompt)}</pre>
      <h3>{t("answer")}</h3>
      <pre className="pane-text answer">
        {answer || (working ? "" : "–")}
        {working && <i className="caret" />}
      </pre>
      <div ref={end} />
    </>
  );
}

export function AgentPane({ run, n, task, state, onClose }: PaneProps) {
  const may = useMay("approve");
  return (
    <aside className="agent-pane" aria-label={t("agent")}>
      <header>
        <h2 className="cut">{task ?? `#${n + 1}`}</h2>
        <Badge tone={stateTone(STATES[state]!)} dot>
          {named("state", STATES[state]!)}
        </Badge>
        <span className="gap" />
        <Button tone="quiet" small icon="close" aria-label={t("close")} onClick={onClose} />
      </header>
      <div className="pane-body" tabIndex={0} role="group" aria-label={t("agent")}>
        {task === undefined ? (
          <Empty icon="clock" title={t("agent.queued")}>
            {t("agent.queued-text")}
          </Empty>
        ) : (
          <Body key={task} run={run} task={task} state={state} />
        )}
      </div>
      {task !== undefined && (
        <footer>
          {state === 5 && (
            <a className="button small primary" href="#/approvals">
              {t("decide-now")}
            </a>
          )}
          <a className="button small" href={to("runs", run, task)}>
            <Icon name="runs" size={14} /> {t("open-trace")}
          </a>
          <span className="gap" />
          {may && state <= 1 && (
            <Button small tone="danger" icon="stop" onClick={() => void stopAgents(run, [task])}>
              {t("stop-agent")}
            </Button>
          )}
        </footer>
      )}
    </aside>
  );
}
