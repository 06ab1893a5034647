// Whether the window is a phone's or a half screen's: some columns and panes then give way.
import { useSyncExternalStore } from "react";

const narrow = matchMedia("(max-width: 760px)");

export function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      narrow.addEventListener("change", changed);
      return () => narrow.removeEventListener("change", changed);
    },
    () => narrow.matches,
  );
}
