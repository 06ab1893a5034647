// Words in the user's language: English is in the shell, another language is fetched when it is chosen.
import { useSyncExternalStore } from "react";
import { en, type Words } from "./en";

export type Word = keyof Words;
export type Language = "en" | "de";
export const LANGUAGES: Record<Language, string> = { en: "English", de: "Deutsch" };
const KEY = "pyagent.language";
let words: Words = en;
let language: Language = "en";
const watchers = new Set<() => void>();

export async function speak(next: Language): Promise<void> {
  words = next === "de" ? (await import("./de")).de : en;
  language = next;
  document.documentElement.lang = next;
  for (const watcher of watchers) watcher();
}

export function chooseLanguage(next: Language): void {
  localStorage.setItem(KEY, next);
  void speak(next);
}

export function preferred(): Language {
  const kept = localStorage.getItem(KEY) ?? navigator.language;
  return kept.toLowerCase().startsWith("de") ? "de" : "en";
}

/** The words for a key; `{name}` is filled in, and `one | many` chosen by `{n}`. */
export function t(word: Word, fill: Record<string, string | number> = {}): string {
  const [one, many] = words[word].split(" | ");
  const text = many !== undefined && fill.n !== 1 ? many : one!;
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = fill[name];
    return typeof value === "number" ? number(value) : (value ?? "");
  });
}

export const known = (word: string): word is Word => word in words;
/** Words for what the server names (a state, a kind); the name itself where there are none. */
export const named = (group: string, name: string): string => {
  const word = `${group}.${name}`;
  return known(word) ? t(word) : name;
};

export const spoken = (): Language => language;

/** Re-render when the language changes. */
export function useLanguage(): Language {
  return useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    () => language,
  );
}

export function number(value: number, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(language, options).format(value);
}
