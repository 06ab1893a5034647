// Where a panel is shown. One that throws shows a card in its own place; the rest of the page goes on.
import { Component, Suspense, type ReactNode } from "react";
import { t } from "../i18n/i18n";
import type { PanelEntry } from "../panels/registry";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Skeleton } from "../ui/surfaces";
import { PluginPanel } from "./PluginPanel";
import type { Route } from "./route";

interface GuardProps {
  name: string;
  children: ReactNode;
}

export class PanelGuard extends Component<GuardProps, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="panel-error" role="alert">
        <Icon name="halt" size={20} />
        <h2>{t("panel-failed", { name: this.props.name })}</h2>
        <p className="dim">{t("panel-failed-hint")}</p>
        <pre>{error.message}</pre>
        <Button onClick={() => this.setState({ error: null })}>{t("retry")}</Button>
      </div>
    );
  }
}

export function PanelSkeleton() {
  return (
    <div className="page" aria-busy="true">
      <Skeleton height={92} />
      <Skeleton height={320} />
    </div>
  );
}

export function PanelFrame({ panel, route }: { panel: PanelEntry; route: Route }) {
  const { View } = panel;
  return (
    <PanelGuard key={panel.id} name={panel.title}>
      <Suspense fallback={<PanelSkeleton />}>
        {panel.plugin ? <PluginPanel row={panel.plugin} /> : View && <View parts={route.parts} query={route.query} />}
      </Suspense>
    </PanelGuard>
  );
}
