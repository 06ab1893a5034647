// All panels in one list: the built-in ones from here, the plugins' from the server, in one order.
import { lazy, useEffect, type ComponentType, type LazyExoticComponent } from "react";
import { useResource } from "../api/resource";
import type { Page, PanelRow, Scope } from "../api/types";
import { useSession } from "../app/session";
import { Box, useBox } from "../app/store";
import type { Word } from "../i18n/i18n";
import { t } from "../i18n/i18n";
import { drawn } from "../ui/icons";

export interface PanelProps {
  parts: string[];
  query: URLSearchParams;
}
export type Group = "work" | "insight" | "system";

export interface PanelEntry {
  id: string;
  title: string;
  icon: string;
  group: Group;
  /** The second key after "g". */
  key?: string;
  View?: LazyExoticComponent<ComponentType<PanelProps>>;
  plugin?: PanelRow;
}

interface BuiltIn extends Omit<PanelEntry, "title"> {
  word: Word;
}

const builtIn: BuiltIn[] = [
  { id: "overview", word: "panel.overview", icon: "overview", group: "work", key: "o", View: lazy(() => import("./overview/Overview")) },
  { id: "swarm", word: "panel.swarm", icon: "swarm", group: "work", key: "s", View: lazy(() => import("./swarm/Swarm")) },
  { id: "approvals", word: "panel.approvals", icon: "approvals", group: "work", key: "a", View: lazy(() => import("./approvals/Approvals")) },
  { id: "runs", word: "panel.runs", icon: "runs", group: "work", key: "r", View: lazy(() => import("./runs/Runs")) },
  { id: "statistics", word: "panel.statistics", icon: "stats", group: "insight", key: "t", View: lazy(() => import("./stats/Statistics")) },
  { id: "models", word: "panel.models", icon: "models", group: "insight", key: "m", View: lazy(() => import("./models/Models")) },
  { id: "schedules", word: "panel.schedules", icon: "schedules", group: "system", key: "c", View: lazy(() => import("./schedules/Schedules")) },
  { id: "settings", word: "panel.settings", icon: "plugins", group: "system", key: "p", View: lazy(() => import("./plugins/Plugins")) },
  { id: "logs", word: "panel.logs", icon: "logs", group: "system", key: "l", View: lazy(() => import("./logs/Logs")) },
  { id: "audit", word: "panel.audit", icon: "audit", group: "system", key: "u", View: lazy(() => import("./audit/Audit")) },
];

function placed(rows: PanelRow[], scopes: Scope[]): PanelEntry[] {
  const by = new Map(rows.map((row) => [row.id, row]));
  const own = builtIn.map((panel, i) => ({ ...panel, title: t(panel.word), order: by.get(panel.id)?.order ?? i * 10 }));
  const plugins = rows
    .filter((row) => row.module && !builtIn.some((panel) => panel.id === row.id))
    .map((row) => ({ id: row.id, title: row.title, icon: drawn(row.icon) ? row.icon : row.title, group: "insight" as Group, order: row.order, plugin: row }));
  const all: (PanelEntry & { order: number })[] = [...own, ...plugins];
  const shown = (panel: PanelEntry): boolean => {
    const row = by.get(panel.id);
    return !row || (row.enabled && row.scopes.every((scope) => scopes.includes(scope)));
  };
  return all.filter(shown).sort((a, b) => a.order - b.order);
}

/** Rises when somebody here turned a panel on or off. */
export const revision = new Box(0);

export interface Panels {
  panels: PanelEntry[];
  /** False until the server has said which panels its plugins bring. */
  complete: boolean;
}

export function usePanels(): Panels {
  const who = useSession();
  const { data, error, reload } = useResource<PanelRow[] | Page<PanelRow>>(who ? "/panels" : null);
  const turned = useBox(revision);
  useEffect(() => {
    if (turned) reload();
  }, [turned, reload]);
  const rows = Array.isArray(data) ? data : (data?.items ?? []);
  return { panels: placed(rows, who?.scopes ?? []), complete: data !== undefined || error !== undefined };
}
