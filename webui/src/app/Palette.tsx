// Ctrl-K: go anywhere, do anything, find any run, by typing a few letters of it.
import { useEffect, useId, useMemo, useState, type KeyboardEvent } from "react";
import { useResource } from "../api/resource";
import type { Page, Run } from "../api/types";
import { LANGUAGES, chooseLanguage, named, t, type Language } from "../i18n/i18n";
import type { PanelEntry } from "../panels/registry";
import { THEMES, choose } from "../theme/theme";
import { Kbd } from "../ui/controls";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { openNewRun, steer, stopAll } from "./actions";
import { openHelp } from "./HelpSheet";
import { navigate, to } from "./route";
import { useMay } from "./session";
import { Box, useBox } from "./store";

const open = new Box(false);
export const openPalette = (): void => open.set(true);

interface Command {
  id: string;
  title: string;
  note: string;
  icon: string;
  keys?: string;
  run: () => void;
}

function score(text: string, typed: string): number {
  const [hay, needle] = [text.toLowerCase(), typed.toLowerCase().trim()];
  if (!needle) return 1;
  if (hay.startsWith(needle)) return 4;
  if (hay.includes(` ${needle}`)) return 3;
  if (hay.includes(needle)) return 2;
  let from = 0;
  for (const letter of needle) {
    from = hay.indexOf(letter, from) + 1;
    if (from === 0) return 0;
  }
  return 1;
}

function places(panels: PanelEntry[]): Command[] {
  return panels.map((panel) => ({
    id: `go-${panel.id}`,
    title: panel.title,
    note: t("palette.go"),
    icon: panel.icon,
    keys: panel.key && `g ${panel.key}`,
    run: () => navigate(panel.id),
  }));
}

function deeds(admin: boolean, steers: boolean): Command[] {
  const starting: Command[] = [
    { id: "new", title: t("new-run"), note: t("palette.do"), icon: "plus", keys: "n", run: () => openNewRun() },
  ];
  const steering: Command[] = [
    { id: "halt", title: t("stop-all"), note: t("palette.do"), icon: "halt", keys: "Ctrl Shift x", run: () => void stopAll() },
  ];
  return [
    ...(admin ? starting : []),
    ...(steers ? steering : []),
    { id: "help", title: t("help"), note: t("palette.do"), icon: "help", keys: "?", run: openHelp },
    ...THEMES.map((theme) => ({ id: theme, title: `${t("theme")}: ${t(`theme.${theme}`)}`, note: t("palette.do"), icon: "sun", run: () => choose(theme) })),
    ...(Object.entries(LANGUAGES) as [Language, string][]).map(([language, name]) => ({
      id: language,
      title: `${t("language")}: ${name}`,
      note: t("palette.do"),
      icon: "text",
      run: () => chooseLanguage(language),
    })),
  ];
}

function ofRuns(runs: Run[], steers: boolean): Command[] {
  return runs.flatMap((run) => {
    const opens = { id: `run-${run.id}`, title: run.name, note: named("status", run.status), icon: "runs", run: () => navigate(to("runs", run.id)) };
    if (!steers || !run.alive) return [opens];
    const verb = run.status === "paused" ? ("resume" as const) : ("pause" as const);
    return [
      opens,
      { id: `${verb}-${run.id}`, title: `${t(verb)}: ${run.name}`, note: t("palette.do"), icon: verb === "pause" ? "pause" : "play", run: () => void steer(run, verb) },
      { id: `stop-${run.id}`, title: `${t("stop")}: ${run.name}`, note: t("palette.do"), icon: "stop", run: () => void steer(run, "stop") },
    ];
  });
}

function Search({ panels }: { panels: PanelEntry[] }) {
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const admin = useMay("admin");
  const steers = useMay("approve");
  const { data } = useResource<Page<Run>>("/runs?limit=50");
  const list = useId();
  const found = useMemo(() => {
    const all = [...places(panels), ...deeds(admin, steers), ...ofRuns(data?.items ?? [], steers)];
    return all
      .map((command) => ({ command, points: score(command.title, typed) }))
      .filter((one) => one.points > 0)
      .sort((a, b) => b.points - a.points)
      .slice(0, 40)
      .map((one) => one.command);
  }, [panels, data, typed, admin, steers]);
  useEffect(() => {
    document.getElementById(`${list}${active}`)?.scrollIntoView({ block: "nearest" });
  }, [active, list]);
  const run = (command: Command | undefined) => {
    if (!command) return;
    open.set(false);
    command.run();
  };
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setActive((old) => (old + step + found.length) % Math.max(1, found.length));
    else if (event.key === "Enter") run(found[active]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        className="palette-input"
        role="combobox"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found.length ? `${list}${active}` : undefined}
        aria-label={t("palette.open")}
        placeholder={t("palette.hint")}
        autoFocus
        spellCheck={false}
        value={typed}
        onChange={(event) => (setTyped(event.target.value), setActive(0))}
        onKeyDown={keys}
      />
      <ul className="palette-list" role="listbox" id={list} aria-label={t("palette.open")} tabIndex={-1}>
        {found.map((command, i) => (
          <li
            key={command.id}
            id={`${list}${i}`}
            role="option"
            aria-selected={i === active}
            onMouseMove={() => setActive(i)}
            onClick={() => run(command)}
          >
            <Icon name={command.icon} />
            <span className="cut">{command.title}</span>
            <span className="dim">{command.note}</span>
            {command.keys && <Kbd keys={command.keys} />}
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="table-none">{t("nothing-matches")}</p>}
    </>
  );
}

export function Palette({ panels }: { panels: PanelEntry[] }) {
  if (!useBox(open)) return null;
  return (
    <Dialog bare title={t("palette.open")} onClose={() => open.set(false)}>
      <Search panels={panels} />
    </Dialog>
  );
}
