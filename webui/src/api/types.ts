// What the server says, word for word: one type for each shape of /api/v1.

export type Scope = "read" | "approve" | "admin";

export interface Session {
  scopes: Scope[];
  csrf: string;
  version: string;
  locale: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  hint?: string;
}

export type RunStatus = "running" | "paused" | "waiting" | "finished" | "stopped" | "dead";

export interface Run {
  id: string;
  name: string;
  file: string | null;
  status: RunStatus;
  total: number;
  done: { ok: number; failed: number; skipped: number };
  waiting: number;
  /** Seconds since the epoch. */
  started: number;
  updated: number;
  exit_code: number | null;
  reason: string | null;
  model: string | null;
  tokens: { input: number; output: number };
  /** Null when a price is not known. */
  cost_usd: number | null;
  alive: boolean;
}

export interface Overview {
  runs: { running: number; paused: number; finished: number; stopped: number };
  agents_at_work: number;
  approvals_waiting: number;
  tasks_done_24h: number;
  tokens_24h: number;
  cost_usd_24h: number | null;
  unknown_cost: boolean;
  recent: Run[];
}

/** One place a second, the oldest first. */
export interface Pulse {
  at: number[];
  work: number[];
  done: number[];
}

export interface Span {
  span: string;
  parent: string | null;
  name: string;
  started: number;
  ended: number | null;
  data: Record<string, unknown>;
  status: "ok" | "failed" | "running" | "lost";
}

/** A whole trace as columns of equal length; times in ms since `from`. */
export interface Trace {
  from: number;
  names: string[];
  labels: string[];
  span: string[];
  /** The parent's place; null at the top. */
  parent: (number | null)[];
  /** Places in `names` and in `labels`. */
  name: number[];
  label: number[];
  started: number[];
  ended: (number | null)[];
  /** ok, failed, running, lost. */
  status: number[];
}

export interface TaskPage extends Page<TaskRow> {
  total: number;
  /** Tasks that did begin; the rest are queued and have no id yet. */
  seen: number;
}

export interface TaskRow {
  n: number;
  id: string;
  state: string;
  model: string | null;
  source: string | null;
  tokens: { input: number; output: number } | number | null;
  cost_usd: number | null;
  seconds: number | null;
  error: string | null;
}

export interface TaskDetail extends TaskRow {
  prompt: unknown;
  output: unknown;
  text: string;
}

export interface AgentRow {
  run: string;
  task: string;
  n: number;
  model: string | null;
  started: number;
  state: string;
}

export type Verb = "approve" | "reject" | "escalate" | "later";

export interface Approval {
  id: string;
  run: string;
  task: string;
  kind: string;
  title: string;
  detail: string;
  risk: "low" | "medium" | "high";
  created: number;
  state: "waiting" | "later" | "approved" | "rejected" | "escalated";
  decision: { verb: Verb; reason: string | null; by: string; at: number; effective_at: number } | null;
}

export interface Stats {
  series: {
    at: number[];
    tasks: number[];
    tokens_in: number[];
    tokens_out: number[];
    cost_usd: (number | null)[];
    failed: number[];
  };
  models: {
    model: string;
    tasks: number;
    tokens: number;
    cost_usd: number | null;
    p50: number | null;
    p95: number | null;
    p99: number | null;
    failed: number;
  }[];
  /** Answers by where they came from. */
  sources: Record<string, number>;
  cache: Record<string, unknown> | null;
  routing: Record<string, unknown>[];
  capability: { model: string; week: string; dim: string; solved: number; low: number; high: number; n: number }[];
}

export interface ModelRow {
  name: string;
  engine: string;
  provider: string | null;
  local: boolean;
  context: number | null;
  input_price: number | null;
  output_price: number | null;
  measured: Record<string, unknown> | null;
  default: boolean;
}

export interface PanelRow {
  id: string;
  title: string;
  icon: string | null;
  module: string | null;
  style: string | null;
  order: number;
  enabled: boolean;
  builtin: boolean;
  scopes: Scope[];
  etag: string;
}

export interface Setting {
  key: string;
  value: unknown;
  origin: string;
  help: string;
  kind: string;
  default: unknown;
  choices: string[] | null;
  etag: string;
}

export interface PluginRow {
  name: string;
  state: string;
  reason: string | null;
  version: string | null;
  dist: string | null;
  bundled: boolean;
  hooks: string[];
  commands: string[];
}

export interface LogRow {
  seq: number;
  at: number;
  run: string;
  task: string | null;
  kind: string;
  text: string;
}

export interface AuditRow {
  seq: number;
  at: number;
  who: string;
  what: string;
  status: number;
  detail: string | null;
  address: string | null;
}

export interface ScheduleRow {
  id: string;
  when?: string | null;
  command?: string | null;
  next?: number | string | null;
}

export interface NewRun {
  path?: string;
  tasks?: string;
  format?: "jsonl" | "csv" | "text";
  name?: string;
  model?: string;
  jobs?: number;
  system?: string;
  max_tokens?: number;
  max_cost?: number;
  agent?: string;
  samples?: number;
}

export interface TokenRow {
  id: string;
  /** Whether it is the one that asks. */
  current: boolean;
  name: string;
  scopes: Scope[];
  created: number | null;
  used: number | null;
  kind: string;
}
