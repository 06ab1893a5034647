// One event stream a tab, shared by all panels: who is interested says so, and the stream asks for the union.
export interface Message {
  kind: "snapshot" | "delta";
  topic: string;
  seq: number;
  data: unknown;
}
type Listener = (message: Message) => void;
export type Link = "connecting" | "open" | "lost";

const REOPEN_MS = 30;
const RETRY_MS = 2000;

class Live {
  private listeners = new Map<string, Set<Listener>>();
  private watchers = new Set<() => void>();
  private source: EventSource | null = null;
  private asked = "";
  private timer = 0;
  link: Link = "connecting";

  /** Hear of a topic until the returned function is called. Every subscription begins with a snapshot. */
  subscribe = (topic: string, listener: Listener): (() => void) => {
    const heard = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, heard.add(listener));
    this.schedule(REOPEN_MS, heard.size > 1);
    return () => {
      heard.delete(listener);
      if (heard.size === 0) this.listeners.delete(topic);
      this.schedule(REOPEN_MS);
    };
  };

  watch = (changed: () => void): (() => void) => {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  };

  close(): void {
    this.source?.close();
    this.source = null;
    this.asked = "";
  }

  private schedule(delay: number, force = false): void {
    if (force) this.asked = "";
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.open(), delay);
  }

  private open(): void {
    const topics = [...this.listeners.keys()].sort().join(",");
    if (topics === this.asked && this.source?.readyState !== EventSource.CLOSED) return;
    this.close();
    if (!topics) return;
    this.asked = topics;
    const source = new EventSource(`/api/v1/events?topics=${encodeURIComponent(topics)}`);
    this.source = source;
    source.onopen = () => this.say("open");
    source.onerror = () => this.lost(source);
    for (const kind of ["snapshot", "delta"] as const) source.addEventListener(kind, (event) => this.hear(kind, event));
  }

  private lost(source: EventSource): void {
    if (source !== this.source) return;
    this.say("lost");
    // A browser gives up for good when the server answered with an error; a server that is away it tries again.
    if (source.readyState === EventSource.CLOSED) {
      this.asked = "";
      this.schedule(RETRY_MS);
    }
  }

  private hear(kind: Message["kind"], event: MessageEvent<string>): void {
    const body = JSON.parse(event.data) as Omit<Message, "kind">;
    for (const listener of this.listeners.get(body.topic) ?? []) listener({ kind, ...body });
  }

  private say(link: Link): void {
    if (link === this.link) return;
    this.link = link;
    for (const watcher of this.watchers) watcher();
  }
}

export const live = new Live();

/** The topic of one task's stream. */
export const streamOf = (run: string, task: string): string => `stream:${run}/${task}`;
