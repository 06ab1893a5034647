// What is installed and how it is set: plugins, panels of this page, settings, access tokens.
import type { ReactNode } from "react";
import { amend, to } from "../../app/route";
import { useMay } from "../../app/session";
import { t } from "../../i18n/i18n";
import type { PanelProps } from "../registry";
import { Segments } from "../../ui/controls";
import { PanelList } from "./PanelList";
import { PluginList } from "./PluginList";
import { Settings } from "./Settings";
import { Tokens } from "./Tokens";
import "./plugins.css";

const TABS = ["plugins", "panels", "settings", "tokens"] as const;
type Tab = (typeof TABS)[number];
const VIEWS: Record<Tab, () => ReactNode> = { plugins: PluginList, panels: PanelList, settings: Settings, tokens: Tokens };

export default function Plugins({ parts: [wanted] }: PanelProps) {
  const admin = useMay("admin");
  const tabs = TABS.filter((tab) => admin || tab !== "tokens");
  const tab = tabs.find((one) => one === wanted) ?? "plugins";
  const View = VIEWS[tab];
  return (
    <div className="page fixed">
      <div className="page-bar">
        <Segments
          label={t("panel.settings")}
          value={tab}
          options={tabs.map((value) => ({ value, label: t(`tab.${value}`) }))}
          onChange={(value) => amend(to("settings", value))}
        />
      </div>
      <View />
    </div>
  );
}
