// The page around the panels: where you can go on the left, what concerns everything on top.
import { useEffect, useState } from "react";
import { useResource, useLink, useTopic } from "../api/resource";
import type { Overview } from "../api/types";
import { t } from "../i18n/i18n";
import type { Group, PanelEntry } from "../panels/registry";
import { usePanels } from "../panels/registry";
import { beat, hear } from "../panels/shared/pulse";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Empty } from "../ui/surfaces";
import { useNarrow } from "../ui/useNarrow";
import { openNewRun, stopAll } from "./actions";
import { HelpSheet, openHelp } from "./HelpSheet";
import { useKeys } from "./keys";
import { Mark } from "./Mark";
import { Palette, openPalette } from "./Palette";
import { PanelFrame, PanelSkeleton } from "./PanelFrame";
import { Preferences } from "./Preferences";
import { navigate, to, useRoute } from "./route";
import { useMay } from "./session";

const GROUPS: Group[] = ["work", "insight", "system"];

function useOverview(): Overview | undefined {
  const { data } = useResource<Overview>("/overview");
  const [live, setLive] = useState<Overview>();
  useTopic("overview", (message) => setLive(message.data as Overview));
  useEffect(() => hear(live ?? data), [live, data]);
  useEffect(() => {
    const timer = setInterval(beat, 1000);
    return () => clearInterval(timer);
  }, []);
  return live ?? data;
}

function Brand() {
  return (
    <a className="brand" href="#/overview">
      <Mark />
      PyAgent
    </a>
  );
}

function Place({ panel, here, badge }: { panel: PanelEntry; here: string; badge: number }) {
  return (
    <a href={to(panel.id)} className="place" aria-current={panel.id === here ? "page" : undefined}>
      <Icon name={panel.icon} />
      <span className="cut">{panel.title}</span>
      {badge > 0 && <span className="count num">{badge > 99 ? "99+" : badge}</span>}
    </a>
  );
}

interface PlacesProps {
  panels: PanelEntry[];
  here: string;
  waiting: number;
}

function Places({ panels, here, waiting }: PlacesProps) {
  return (
    <nav className="places" aria-label={t("panels")}>
      {GROUPS.map((group) => (
        <div key={group}>
          <h2>{t(`group.${group}`)}</h2>
          {panels
            .filter((panel) => panel.group === group)
            .map((panel) => (
              <Place key={panel.id} panel={panel} here={here} badge={panel.id === "approvals" ? waiting : 0} />
            ))}
        </div>
      ))}
    </nav>
  );
}

/** On a phone's width: the four daily places, and the palette for all else. */
function Bar({ panels, here, waiting }: PlacesProps) {
  const daily = panels.filter((panel) => panel.group === "work").slice(0, 4);
  return (
    <nav className="bar" aria-label={t("panels")}>
      {daily.map((panel) => (
        <Place key={panel.id} panel={panel} here={here} badge={panel.id === "approvals" ? waiting : 0} />
      ))}
      <button type="button" className="place" onClick={openPalette}>
        <Icon name="more" />
        <span>{t("more")}</span>
      </button>
    </nav>
  );
}

function Lost() {
  if (useLink() !== "lost") return null;
  return (
    <p className="lost" role="status">
      <i aria-hidden="true" /> {t("reconnecting")}
    </p>
  );
}

function Top({ title, narrow, running }: { title: string; narrow: boolean; running: number }) {
  const admin = useMay("admin");
  const steers = useMay("approve");
  return (
    <header className="top">
      {narrow && <Mark />}
      <h1 className="cut">{title}</h1>
      <Lost />
      <span className="gap" />
      {!narrow && (
        <button type="button" className="palette-button" onClick={openPalette}>
          <Icon name="search" size={14} />
          <span>{t("palette.open")}</span>
          <kbd>Ctrl K</kbd>
        </button>
      )}
      <Preferences />
      {!narrow && <Button tone="quiet" icon="help" aria-label={t("help")} onClick={openHelp} />}
      {steers && (
        <Button tone="danger" icon="halt" disabled={running === 0} onClick={() => void stopAll()} aria-label={t("stop-all")}>
          {narrow ? undefined : t("stop-all")}
        </Button>
      )}
      {admin && (
        <Button tone="primary" icon="plus" onClick={() => openNewRun()} aria-label={t("new-run")}>
          {narrow ? undefined : t("new-run")}
        </Button>
      )}
    </header>
  );
}

export function Shell() {
  const route = useRoute();
  const { panels, complete } = usePanels();
  const narrow = useNarrow();
  const overview = useOverview();
  const panel = panels.find((candidate) => candidate.id === route.panel);
  const waiting = overview?.approvals_waiting ?? 0;
  const running = (overview?.runs.running ?? 0) + (overview?.runs.paused ?? 0);
  useKeys(t("keys.everywhere"), [
    { keys: "Ctrl+k", label: t("palette.open"), run: openPalette },
    { keys: "?", label: t("help"), run: openHelp },
    { keys: "n", label: t("new-run"), run: openNewRun },
    { keys: "Ctrl+Shift+x", label: t("stop-all"), run: () => void stopAll() },
    { keys: "/", label: t("keys.filter"), run: () => document.querySelector<HTMLInputElement>("main [type=search]")?.focus() },
    { keys: "Escape", label: t("keys.leave"), run: () => route.parts.length && history.back() },
    ...panels.flatMap((one) => (one.key ? [{ keys: `g ${one.key}`, label: one.title, run: () => navigate(one.id) }] : [])),
  ]);
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={(event) => (event.preventDefault(), document.querySelector<HTMLElement>("main")?.focus())}>
        {t("skip")}
      </a>
      {!narrow && (
        <aside className="side">
          <Brand />
          <Places panels={complete ? panels : []} here={route.panel} waiting={waiting} />
        </aside>
      )}
      <Top title={panel?.title ?? "PyAgent"} narrow={narrow} running={running} />
      <main id="main" tabIndex={-1}>
        {panel ? (
          <PanelFrame panel={panel} route={route} />
        ) : complete ? (
          <Empty
            icon="search"
            title={t("no-such-panel", { name: route.panel })}
            action={
              <a className="button primary" href="#/overview">
                {t("panel.overview")}
              </a>
            }
          >
            {t("no-such-panel-hint")}
          </Empty>
        ) : (
          <PanelSkeleton />
        )}
      </main>
      {narrow && <Bar panels={complete ? panels : []} here={route.panel} waiting={waiting} />}
      <Palette panels={panels} />
      <HelpSheet />
    </div>
  );
}
