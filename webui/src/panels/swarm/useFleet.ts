// The fleet of a run for React: the object itself, and a number that rises a few times a second.
import { useEffect, useMemo, useState } from "react";
import { useTopic } from "../../api/resource";
import { Fleet } from "./fleet";

const REDRAW_MS = 250;

/** `beat` rises when counts may have changed; canvases paint by themselves and do not wait for it. */
export function useFleet(run: string | undefined): { fleet: Fleet; beat: number } {
  // A new run is a new fleet.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const fleet = useMemo(() => new Fleet(), [run]);
  const [beat, setBeat] = useState(0);
  useTopic(run === undefined ? null : `agents:${run}`, (message) => fleet.hear(message));
  useEffect(() => {
    let timer = 0;
    const stop = fleet.watch(() => {
      timer ||= window.setTimeout(() => ((timer = 0), setBeat((old) => old + 1)), REDRAW_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [fleet]);
  return { fleet, beat };
}
