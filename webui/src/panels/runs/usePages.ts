// A list that the server gives page by page: the next page is read when the end comes into view.
import { useCallback, useEffect, useRef, useState } from "react";
import { api, type ApiError } from "../../api/client";
import type { Page } from "../../api/types";

export interface Pages<T, P extends Page<T>> {
  rows: T[] | undefined;
  /** The last page read, for what stands beside its items. */
  page: P | undefined;
  error: ApiError | undefined;
  more: () => void;
  reload: () => void;
}

/** Read `path` (with its query), 200 rows at a time. */
export function usePages<T, P extends Page<T> = Page<T>>(path: string, limit = 200): Pages<T, P> {
  const [state, setState] = useState<{ path: string; rows?: T[]; page?: P; error?: ApiError }>({ path });
  const busy = useRef<string | null>(null);
  const read = useCallback(
    (cursor: string | null) => {
      const address = `${path}${path.includes("?") ? "&" : "?"}limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;
      if (busy.current === address) return;
      busy.current = address;
      api
        .get<P>(address)
        .then(
          (page) =>
            setState((old) => ({ path, page, rows: cursor && old.path === path ? [...(old.rows ?? []), ...page.items] : page.items })),
          (error: ApiError) => setState((old) => ({ ...old, path, error })),
        )
        .finally(() => {
          if (busy.current === address) busy.current = null;
        });
    },
    [path, limit],
  );
  const reload = useCallback(() => read(null), [read]);
  useEffect(reload, [reload]);
  const next = state.page?.next ?? null;
  const more = useCallback(() => {
    if (next !== null) read(next);
  }, [next, read]);
  // What was shown stays until the new answer is there: no flicker while a filter is typed.
  return { rows: state.rows, page: state.page, error: state.path === path ? state.error : undefined, more, reload };
}
