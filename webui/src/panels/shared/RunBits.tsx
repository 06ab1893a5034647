// What every panel shows of a run in the same way: its state, its progress, its levers.
import type { Run, RunStatus } from "../../api/types";
import { steer, widen } from "../../app/actions";
import { useMay } from "../../app/session";
import { named, t } from "../../i18n/i18n";
import { Button } from "../../ui/controls";
import { count } from "../../ui/format";
import { Badge, Meter, type Tone } from "../../ui/surfaces";

const TONES: Record<RunStatus, Tone> = {
  running: "accent",
  paused: "warn",
  waiting: "warn",
  finished: "ok",
  stopped: "neutral",
  dead: "bad",
};

export function RunBadge({ run }: { run: Run }) {
  const tone = run.status === "finished" && run.done.failed > 0 ? "bad" : TONES[run.status];
  return (
    <Badge tone={tone} dot>
      {named("status", run.status)}
    </Badge>
  );
}

export const finished = (run: Run): number => run.done.ok + run.done.failed + run.done.skipped;

export function RunMeter({ run }: { run: Run }) {
  return (
    <Meter
      total={run.total}
      label={t("progress", { done: finished(run), total: run.total, failed: run.done.failed })}
      parts={[
        { value: run.done.ok, colour: "--state-2", label: "ok" },
        { value: run.done.failed, colour: "--state-3", label: "failed" },
        { value: run.done.skipped, colour: "--state-4", label: "skipped" },
        { value: run.waiting, colour: "--state-5", label: "waiting" },
      ]}
    />
  );
}

export function Progress({ run }: { run: Run }) {
  return (
    <span className="progress">
      <RunMeter run={run} />
      <span className="num">
        {count(finished(run))}
        <span className="dim"> / {count(run.total)}</span>
      </span>
    </span>
  );
}

/** Pause or resume, stop, wider, narrower: what a live run offers to who may steer. */
export function Levers({ run, width }: { run: Run; width?: number }) {
  const may = useMay("approve");
  if (!may || !run.alive || run.status === "finished") return null;
  const verb = run.status === "paused" ? "resume" : "pause";
  return (
    <>
      <Button small icon={verb === "pause" ? "pause" : "play"} onClick={() => void steer(run, verb)}>
        {t(verb)}
      </Button>
      <Button small icon="stop" tone="danger" onClick={() => void steer(run, "stop")}>
        {t("stop")}
      </Button>
      {width !== undefined && (
        <span className="stepper" role="group" aria-label={t("width")}>
          <Button small aria-label={t("narrower")} disabled={width <= 1} onClick={() => void widen(run, Math.max(1, Math.floor(width / 2)))}>
            −
          </Button>
          <Button small aria-label={t("wider")} onClick={() => void widen(run, Math.max(1, width * 2))}>
            +
          </Button>
        </span>
      )}
    </>
  );
}
