// Which of the three looks the page wears: the user's choice, else the system's.
import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark", "contrast"] as const;
export type Theme = (typeof THEMES)[number];
const KEY = "pyagent.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const contrast = matchMedia("(prefers-contrast: more)");
const watchers = new Set<() => void>();

export function chosen(): Theme {
  const kept = localStorage.getItem(KEY) as Theme | null;
  return kept && THEMES.includes(kept) ? kept : "system";
}

/** The look as it is shown: light, dark or contrast. */
export function shown(): Exclude<Theme, "system"> {
  const theme = chosen();
  if (theme !== "system") return theme;
  if (contrast.matches) return "contrast";
  return dark.matches ? "dark" : "light";
}

function wear(): void {
  document.documentElement.dataset.theme = shown();
  for (const watcher of watchers) watcher();
}

export function choose(theme: Theme): void {
  localStorage.setItem(KEY, theme);
  wear();
}

export function startTheme(): void {
  wear();
  dark.addEventListener("change", wear);
  contrast.addEventListener("change", wear);
}

export function watchTheme(changed: () => void): () => void {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

export const useTheme = (): Exclude<Theme, "system"> => useSyncExternalStore(watchTheme, shown);
export const useChosen = (): Theme => useSyncExternalStore(watchTheme, chosen);

/** A token's value as the page has it now, for what is painted on a canvas. */
export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
