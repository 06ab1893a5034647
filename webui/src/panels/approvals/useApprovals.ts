// Approvals, live: those that wait, oldest first with the postponed last, and those decided.
import { useMemo, useState } from "react";
import { merged, objects, useResource, useTopic } from "../../api/resource";
import type { ApiError } from "../../api/client";
import type { Approval, Page } from "../../api/types";

const WAITS = new Set<Approval["state"]>(["waiting", "later"]);
const order = (a: Approval, b: Approval): number =>
  Number(a.state === "later") - Number(b.state === "later") || a.created - b.created;

export function useApprovals(): { waiting: Approval[] | undefined; decided: Approval[]; error: ApiError | undefined; reload: () => void } {
  const { data: done, reload } = useResource<Page<Approval>>("/approvals?state=decided&limit=200");
  const { data: open, error } = useResource<Page<Approval>>("/approvals?state=waiting&limit=200");
  const [live, setLive] = useState<Approval[]>();
  useTopic("approvals", ({ kind, data }) =>
    setLive((old) => (kind === "snapshot" ? objects<Approval>(data) : merged(old ?? open?.items ?? [], objects<Approval>(data)))),
  );
  const all = live ?? open?.items;
  const waiting = useMemo(() => all?.filter((one) => WAITS.has(one.state)).sort(order), [all]);
  const decided = useMemo(() => {
    const fresh = (all ?? []).filter((one) => !WAITS.has(one.state));
    return merged(done?.items ?? [], fresh).sort((a, b) => (b.decision?.at ?? 0) - (a.decision?.at ?? 0));
  }, [all, done]);
  return { waiting, decided, error, reload };
}
