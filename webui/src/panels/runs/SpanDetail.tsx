// What one span knows: the conversation as it was sent, the answer, the tool's arguments and result, the figures.
import { at as place } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Span, Trace } from "../../api/types";
import { t } from "../../i18n/i18n";
import { clock, count, pretty, seconds, usd } from "../../ui/format";
import { Badge, Facts, Failure } from "../../ui/surfaces";
import type { ReactNode } from "react";
import { STATUSES } from "./tree";

interface Turn {
  role: string;
  content: unknown;
}
const TONES = { ok: "ok", failed: "bad", running: "accent", lost: "bad" } as const;
const TEXTS = ["output", "text", "arguments", "result", "error"];
const HIDDEN = new Set([...TEXTS, "messages", "input_tokens", "output_tokens", "cached_tokens", "cost_usd"]);

function Conversation({ turns }: { turns: Turn[] }) {
  return (
    <section className="turns">
      <h3>{t("prompt")}</h3>
      {turns.map((turn, i) => (
        <div key={i} className={`turn ${turn.role}`}>
          <span>{turn.role}</span>
          <pre>{pretty(turn.content)}</pre>
        </div>
      ))}
    </section>
  );
}

function figures(span: Pick<Span, "started" | "ended" | "data">): [string, ReactNode][] {
  const data = span.data as Record<string, number | null | undefined>;
  const facts: [string, ReactNode][] = [
    [t("started"), clock(span.started)],
    [t("time"), span.ended === null ? t("still-open") : seconds(span.ended - span.started)],
  ];
  if (data.input_tokens != null || data.output_tokens != null) {
    facts.push([t("tokens"), t("in-out", { input: count(data.input_tokens), output: count(data.output_tokens) })]);
    if (data.cached_tokens) facts.push([t("cached"), count(data.cached_tokens)]);
    facts.push([t("cost"), usd(data.cost_usd)]);
  }
  for (const [name, value] of Object.entries(span.data)) {
    const plain = ["string", "number", "boolean"].includes(typeof value) && value !== "";
    if (plain && !HIDDEN.has(name)) facts.push([name, <code key={name}>{String(value)}</code>]);
  }
  return facts;
}

function Body({ path, began, ended }: { path: string; began: number; ended: number | null }) {
  const { data: span, error, reload } = useResource<Span>(path);
  if (!span) return error ? <Failure error={error} retry={reload} /> : <Facts facts={figures({ started: began, ended, data: {} })} />;
  const turns = span.data.messages;
  return (
    <>
      <Facts facts={figures(span)} />
      {Array.isArray(turns) && <Conversation turns={turns as Turn[]} />}
      {TEXTS.filter((name) => span.data[name] != null && span.data[name] !== "").map((name) => (
        <section key={name} className={`said ${name}`}>
          <h3>{t(`text.${name as "output" | "text" | "arguments" | "result" | "error"}`)}</h3>
          <pre>{pretty(span.data[name])}</pre>
        </section>
      ))}
    </>
  );
}

/** A span at its place in the trace. What it knows is read when it is opened, and again when its status changes. */
export function SpanDetail({ run, task, trace, at }: { run: string; task: string; trace: Trace; at: number }) {
  const status = STATUSES[trace.status[at]!]!;
  const ended = trace.ended[at];
  return (
    <div className="span-detail" tabIndex={0} role="region" aria-label={trace.names[trace.name[at]!]}>
      <header>
        <h2 className="cut">{trace.names[trace.name[at]!]}</h2>
        <Badge tone={TONES[status]} dot>
          {t(`span.${status}`)}
        </Badge>
      </header>
      <Body
        key={`${trace.span[at]} ${status}`}
        path={place("runs", run, "spans", trace.span[at]!, task)}
        began={trace.from + trace.started[at]! / 1000}
        ended={ended == null ? null : trace.from + ended / 1000}
      />
    </div>
  );
}
