// The live swarm of a run: watched as a grid, a table or a topology; filtered, selected, steered, opened.
import { useState } from "react";
import type { Run } from "../../api/types";
import { openNewRun } from "../../app/actions";
import { useKeys } from "../../app/keys";
import { amend, navigate, to } from "../../app/route";
import { useMay } from "../../app/session";
import { t } from "../../i18n/i18n";
import type { PanelProps } from "../registry";
import { Button, Search, Segments } from "../../ui/controls";
import { count, seconds } from "../../ui/format";
import { Card, Empty, Failure, Skeleton } from "../../ui/surfaces";
import { Levers, RunBadge, finished } from "../shared/RunBits";
import { STATES, stateWord } from "../shared/states";
import { useRuns } from "../shared/useRuns";
import { AgentPane, stopAgents } from "./AgentPane";
import type { Fleet } from "./fleet";
import { Grid } from "./Grid";
import { Roll } from "./Roll";
import { Topology } from "./Topology";
import { useFleet } from "./useFleet";
import { useSelection, type Selection } from "./useSelection";
import "./swarm.css";

const VIEWS = [
  { value: "grid", icon: "grid" },
  { value: "table", icon: "table" },
  { value: "topology", icon: "swarm" },
] as const;
type View = (typeof VIEWS)[number]["value"];

function Legend({ fleet, filter, choose }: { fleet: Fleet; filter: number | null; choose: (state: number | null) => void }) {
  return (
    <div className="legend" role="group" aria-label={t("filter")}>
      {STATES.map((name, state) => (
        <button
          key={name}
          type="button"
          aria-pressed={filter === state}
          disabled={fleet.counts[state] === 0 && filter !== state}
          onClick={() => choose(filter === state ? null : state)}
        >
          <i style={{ background: `var(--state-${state})` }} />
          {t(stateWord(state))}
          <span className="num">{count(fleet.counts[state])}</span>
        </button>
      ))}
    </div>
  );
}

function Picked({ run, fleet, selection }: { run: Run; fleet: Fleet; selection: Selection }) {
  const may = useMay("approve");
  const { chosen } = selection;
  if (chosen.size === 0) return null;
  const ids = [...chosen].map((n) => fleet.ids[n]).filter((id) => id !== undefined);
  const stoppable = [...chosen].filter((n) => fleet.states[n]! <= 1 && fleet.ids[n] !== undefined).map((n) => fleet.ids[n]!);
  return (
    <div className="picked" role="region" aria-label={t("selection")}>
      <strong className="num">{t("n-selected", { n: chosen.size })}</strong>
      {STATES.map((name, state) => {
        const n = [...chosen].filter((one) => fleet.states[one] === state).length;
        return n > 0 && <span key={name} className="dim num">{`${t(stateWord(state))} ${n}`}</span>;
      })}
      <span className="gap" />
      <Button small disabled={ids.length === 0} onClick={() => void navigator.clipboard.writeText(ids.join("\n"))}>
        {t("copy-ids")}
      </Button>
      {may && (
        <Button small tone="danger" icon="stop" disabled={stoppable.length === 0} onClick={() => void stopAgents(run.id, stoppable)}>
          {t("stop-agents", { n: stoppable.length })}
        </Button>
      )}
      <Button small tone="quiet" icon="close" aria-label={t("clear-selection")} onClick={selection.clear} />
    </div>
  );
}

function Watch({ run, runs, opened }: { run: Run; runs: Run[]; opened: string | null }) {
  const { fleet, beat } = useFleet(run.id);
  const selection = useSelection(fleet);
  const [view, setView] = useState<View>("grid");
  const [filter, setFilter] = useState<number | null>(null);
  const [typed, setTyped] = useState("");
  const [pane, setPane] = useState<number | null>(null);
  const open = (n: number | null) => {
    setPane(n);
    amend(`${to("swarm", run.id)}${n !== null && fleet.ids[n] ? `?agent=${encodeURIComponent(fleet.ids[n])}` : ""}`);
  };
  const shown = pane ?? (opened && fleet.ready && fleet.indexOf(opened) >= 0 ? fleet.indexOf(opened) : null);
  useKeys(t("panel.swarm"), [
    ...VIEWS.map(({ value }, i) => ({ keys: String(i + 1), label: t(`view.${value}`), run: () => setView(value) })),
    { keys: "Escape", label: t("close"), run: () => (shown !== null ? open(null) : selection.clear()) },
    { keys: "f", label: t("keys.next-filter"), run: () => setFilter((old) => (old === null ? 0 : old === STATES.length - 1 ? null : old + 1)) },
  ]);
  return (
    <>
      <div className="page-bar">
        <select aria-label={t("run")} className="run-choice" value={run.id} onChange={(event) => navigate(to("swarm", event.target.value))}>
          {runs.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </select>
        <RunBadge run={run} />
        <span className="dim num">
          {count(finished(run))} / {count(run.total)} · {seconds((run.alive ? Date.now() / 1000 : run.updated) - run.started)}
        </span>
        <span className="gap" />
        <Levers run={run} width={Math.max(1, fleet.counts[1] ?? 1)} />
        <Segments label={t("view")} value={view} options={VIEWS.map(({ value, icon }) => ({ value, icon, label: t(`view.${value}`) }))} onChange={setView} />
      </div>
      <div className={`swarm${shown === null ? "" : " with-pane"}`}>
        <Card flush className="fills">
          <div className="swarm-bar">
            <Legend fleet={fleet} filter={filter} choose={setFilter} />
            {view === "table" && <Search label={t("filter-tasks")} value={typed} onChange={setTyped} />}
          </div>
          {!fleet.ready ? (
            <div className="padded">
              <Skeleton height={240} />
            </div>
          ) : view === "topology" ? (
            <Topology runs={runs} onOpen={(agent) => (agent.run === run.id ? open(agent.n) : navigate(`${to("swarm", agent.run)}?agent=${encodeURIComponent(agent.task)}`))} />
          ) : view === "table" ? (
            <Roll run={run.id} model={run.model} fleet={fleet} beat={beat} filter={filter} typed={typed} selection={selection} onOpen={open} />
          ) : (
            <Grid fleet={fleet} filter={filter} selection={selection} onOpen={open} />
          )}
          <Picked run={run} fleet={fleet} selection={selection} />
        </Card>
        {shown !== null && (
          <AgentPane run={run.id} n={shown} task={fleet.ids[shown]} state={fleet.states[shown] ?? 0} onClose={() => open(null)} />
        )}
      </div>
    </>
  );
}

export default function Swarm({ parts: [id], query }: PanelProps) {
  const { runs, error, reload } = useRuns();
  const may = useMay("admin");
  if (!runs) return <div className="page fixed">{error ? <Failure error={error} retry={reload} /> : <Skeleton height={420} />}</div>;
  const run = runs.find((one) => one.id === id) ?? runs.find((one) => one.status === "running") ?? runs.find((one) => one.alive) ?? runs[0];
  if (!run)
    return (
      <div className="page fixed">
        <Card className="fills">
          <Empty
            icon="swarm"
            title={t("swarm.none")}
            action={
              may && (
                <Button tone="primary" icon="plus" keys="n" onClick={() => openNewRun()}>
                  {t("new-run")}
                </Button>
              )
            }
          >
            {t("swarm.none-text")}
          </Empty>
        </Card>
      </div>
    );
  return (
    <div className="page fixed">
      <Watch key={run.id} run={run} runs={runs} opened={query.get("agent")} />
    </div>
  );
}
