// What a panel shows of the server: read once, kept for the next visit, changed by live messages.
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { api, type ApiError } from "./client";
import { live, type Link, type Message } from "./live";

interface Held<T> {
  data?: T;
  error?: ApiError;
}
const kept = new Map<string, unknown>();

export interface Resource<T> extends Held<T> {
  reload: () => void;
  change: (make: (old: T) => T) => void;
}

/** Read a path; the last answer is shown at once while a fresh one is on its way. Null reads nothing. */
export function useResource<T>(path: string | null): Resource<T> {
  const [held, setHeld] = useState<Held<T> & { path: string | null }>({ path });
  const reload = useCallback(() => {
    if (path === null) return;
    api.get<T>(path).then(
      (data) => {
        kept.set(path, data);
        setHeld({ path, data });
      },
      (error: ApiError) => setHeld((old) => ({ path, data: old.path === path ? old.data : undefined, error })),
    );
  }, [path]);
  useEffect(reload, [reload]);
  const change = useCallback(
    (make: (old: T) => T) =>
      setHeld((old) => {
        const data = old.path === path ? old.data : (kept.get(path ?? "") as T | undefined);
        return data === undefined ? old : { path, data: make(data) };
      }),
    [path],
  );
  if (held.path === path && (held.data !== undefined || held.error)) return { ...held, reload, change };
  return { data: path === null ? undefined : (kept.get(path) as T | undefined), reload, change };
}

/** Hear of a topic while the component is there. `hear` may change at every render. */
export function useTopic(topic: string | null, hear: (message: Message) => void): void {
  const [box] = useState({ hear });
  useEffect(() => {
    box.hear = hear;
  });
  useEffect(() => (topic === null ? undefined : live.subscribe(topic, (message) => box.hear(message))), [topic, box]);
}

export function useLink(): Link {
  return useSyncExternalStore(live.watch, () => live.link);
}

/** A message's objects, whether the server sent one, a list, or a page. */
export function objects<T>(data: unknown): T[] {
  if (Array.isArray(data)) return data as T[];
  if (data && typeof data === "object" && "items" in data) return (data as { items: T[] }).items;
  return data ? [data as T] : [];
}

/** Old rows with changed ones in their place, and new ones in front. */
export function merged<T extends { id: string }>(old: T[], changed: T[]): T[] {
  const by = new Map(changed.map((row) => [row.id, row]));
  const rest = old.map((row) => {
    const next = by.get(row.id);
    by.delete(row.id);
    return next ?? row;
  });
  return by.size ? [...by.values(), ...rest] : rest;
}
