// All runs, live: read from the stream, which begins with the newest two hundred.
import { useState } from "react";
import { merged, objects, useResource, useTopic } from "../../api/resource";
import type { ApiError } from "../../api/client";
import type { Page, Run } from "../../api/types";

export interface Runs {
  runs: Run[] | undefined;
  error: ApiError | undefined;
  reload: () => void;
}

const newest = (runs: Run[]): Run[] => [...runs].sort((a, b) => b.started - a.started);

export function useRuns(): Runs {
  const { data, error, reload } = useResource<Page<Run>>("/runs?limit=200");
  const [live, setLive] = useState<Run[]>();
  useTopic("runs", ({ kind, data: said }) => {
    const gone = new Set((said as { gone?: string[] }).gone ?? []);
    setLive((old) =>
      newest(kind === "snapshot" ? objects<Run>(said) : merged(old ?? data?.items ?? [], objects<Run>(said)).filter((run) => !gone.has(run.id))),
    );
  });
  return { runs: live ?? data?.items, error, reload };
}

/** One run, live, or undefined while it is not known. */
export function useRun(id: string | undefined): { run: Run | undefined; error: ApiError | undefined } {
  const { runs } = useRuns();
  const { data, error } = useResource<Run>(id ? `/runs/${encodeURIComponent(id)}` : null);
  return { run: runs?.find((run) => run.id === id) ?? data, error };
}
