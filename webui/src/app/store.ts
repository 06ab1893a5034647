// A value that components watch: the smallest thing that toasts, questions and the like need.
import { useSyncExternalStore } from "react";

export class Box<T> {
  private watchers = new Set<() => void>();
  constructor(private value: T) {}

  get = (): T => this.value;

  set(value: T): void {
    this.value = value;
    for (const watcher of this.watchers) watcher();
  }

  watch = (changed: () => void): (() => void) => {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  };
}

export function useBox<T>(box: Box<T>): T {
  return useSyncExternalStore(box.watch, box.get);
}
