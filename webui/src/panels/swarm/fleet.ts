// The agents of one run as bytes: what the stream says lands here, and who draws asks what changed.
import type { Message } from "../../api/live";
import { STATES } from "../shared/states";

interface Snapshot {
  total: number;
  ids: string[] | Record<string, string>;
  states: string;
}
interface Delta {
  d: [number, number][];
  ids?: Record<string, string>;
  total?: number;
}

export class Fleet {
  states = new Uint8Array(0);
  ids: (string | undefined)[] = [];
  counts = new Uint32Array(STATES.length);
  /** Cells that changed since they were last painted. */
  dirty = new Set<number>();
  /** Rises when everything has to be painted anew. */
  generation = 0;
  ready = false;
  private watchers = new Set<() => void>();

  get total(): number {
    return this.states.length;
  }

  hear({ kind, data }: Message): void {
    if (kind === "snapshot") this.replace(data as Snapshot);
    else this.change(data as Delta);
    for (const watcher of this.watchers) watcher();
  }

  /** Called after every message, at most ten times a second. */
  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  }

  indexOf(task: string): number {
    return this.ids.indexOf(task);
  }

  private replace({ total, ids, states }: Snapshot): void {
    const said = Uint8Array.from(atob(states), (letter) => letter.charCodeAt(0));
    this.states = new Uint8Array(Math.max(total, said.length));
    this.states.set(said);
    this.ids = [];
    for (const [n, id] of Object.entries(ids)) this.ids[Number(n)] = id;
    this.recount();
    this.generation++;
    this.ready = true;
  }

  private change({ d, ids, total }: Delta): void {
    for (const [n, id] of Object.entries(ids ?? {})) this.ids[Number(n)] = id;
    const need = d.reduce((most, [n]) => Math.max(most, n + 1), total ?? 0);
    if (need !== this.total && (total !== undefined || need > this.total)) this.resize(need);
    for (const [n, state] of d) {
      const old = this.states[n]!;
      if (old === state) continue;
      this.states[n] = state;
      this.counts[old]!--;
      this.counts[state]!++;
      this.dirty.add(n);
    }
  }

  private resize(total: number): void {
    const states = new Uint8Array(total);
    states.set(this.states.subarray(0, total));
    this.states = states;
    this.recount();
    this.generation++;
  }

  private recount(): void {
    this.counts.fill(0);
    for (const state of this.states) this.counts[state]!++;
  }
}
