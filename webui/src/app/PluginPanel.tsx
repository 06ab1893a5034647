// A plugin's panel: an ES module from the plugin's own files that mounts itself into an element.
import { useEffect, useRef, useState } from "react";
import { api } from "../api/client";
import { live, type Message } from "../api/live";
import type { PanelRow } from "../api/types";
import { number, spoken } from "../i18n/i18n";
import { shown, watchTheme } from "../theme/theme";
import { Skeleton } from "../ui/surfaces";
import { confirm } from "./confirm";
import { navigate } from "./route";
import { toast } from "./toast";

/** What a plugin's `mount(el, ctx)` is given; version 1 of the contract. */
export interface PanelContext {
  version: 1;
  /** Calls below /api/v1; `own` is the path of the plugin's router. */
  api: typeof api & { own: string };
  events: { subscribe: (topic: string, listener: (message: Message) => void) => () => void };
  theme: { name: () => string; watch: (changed: () => void) => () => void };
  navigate: (target: string) => void;
  toast: (text: string) => void;
  confirm: (title: string, text?: string) => Promise<boolean>;
  i18n: { language: string; number: (value: number) => string };
}

interface Module {
  mount: (element: HTMLElement, context: PanelContext) => void | (() => void);
}

function context(row: PanelRow): PanelContext {
  return {
    version: 1,
    api: { ...api, own: `/p/${row.id}` },
    events: { subscribe: live.subscribe },
    theme: { name: shown, watch: watchTheme },
    navigate,
    toast: (text) => toast(text),
    confirm: async (title, text) => (await confirm({ title, text, yes: "OK" })) !== null,
    i18n: { language: spoken(), number: (value) => number(value) },
  };
}

function useStyle(address: string | null): void {
  useEffect(() => {
    if (!address) return;
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
    document.head.append(link);
    return () => link.remove();
  }, [address]);
}

export function PluginPanel({ row }: { row: PanelRow }) {
  const box = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [ready, setReady] = useState(false);
  useStyle(row.style);
  useEffect(() => {
    let unmount: void | (() => void);
    let left = false;
    const mount = async () => {
      const module = (await import(/* @vite-ignore */ new URL(row.module!, location.href).href)) as Module;
      if (left) return;
      unmount = module.mount(box.current!, context(row));
      setReady(true);
    };
    mount().catch(setFailed);
    return () => {
      left = true;
      try {
        unmount?.();
      } catch (error) {
        console.error(error);
      }
    };
  }, [row]);
  // Thrown while drawing, so that the guard around the panel shows it.
  if (failed) throw failed;
  return (
    <div className="page plugin-page">
      {!ready && <Skeleton height={240} />}
      <div ref={box} />
    </div>
  );
}
