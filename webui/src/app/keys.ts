// The keyboard: who is on screen says what its keys do, and the help sheet lists just that.
import { useEffect, useState } from "react";
import { Box, useBox } from "./store";

export interface Key {
  /** "a", "Ctrl+k", "Shift+Enter", or two in a row: "g r". */
  keys: string;
  label: string;
  run: () => void;
}
interface Group {
  title: string;
  keys: Key[];
}

const groups = new Box<Group[]>([]);
const CHORD_MS = 900;
let first = "";
let firstAt = 0;

/** Bind keys while the component is there. Later groups win. */
export function useKeys(title: string, keys: Key[]): void {
  const [group] = useState<Group>({ title, keys });
  useEffect(() => {
    group.title = title;
    group.keys = keys;
  });
  useEffect(() => {
    groups.set([...groups.get(), group]);
    return () => groups.set(groups.get().filter((other) => other !== group));
  }, [group]);
}

export const useKeyGroups = (): Group[] => useBox(groups);

function spelled(event: KeyboardEvent): string {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && (event.key.length > 1 || event.ctrlKey)) parts.push("Shift");
  parts.push(event.key.length === 1 && parts.length ? event.key.toLowerCase() : event.key);
  return parts.join("+");
}

function typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest?.("input, textarea, select, [contenteditable]");
}

function find(keys: string): Key | undefined {
  for (const group of [...groups.get()].reverse()) {
    const found = group.keys.find((key) => key.keys === keys);
    if (found) return found;
  }
  return undefined;
}

function press(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const keys = spelled(event);
  const always = keys.startsWith("Ctrl");
  if (!always && (typing(event.target) || document.querySelector("dialog[open]"))) return;
  const chord = first && event.timeStamp - firstAt < CHORD_MS ? find(`${first} ${keys}`) : undefined;
  const found = chord ?? find(keys);
  first = found ? "" : keys;
  firstAt = event.timeStamp;
  if (!found) return;
  event.preventDefault();
  found.run();
}

export function startKeys(): void {
  window.addEventListener("keydown", press);
}
