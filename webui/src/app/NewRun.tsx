// The form for a run: a task file on the server's machine, or tasks typed here; the rest has defaults.
import { useState, type FormEvent } from "react";
import { api, type ApiError } from "../api/client";
import { useResource } from "../api/resource";
import type { ModelRow, NewRun as Body, Page, Run } from "../api/types";
import { t } from "../i18n/i18n";
import { Button, Field, Segments } from "../ui/controls";
import { Dialog } from "../ui/Dialog";
import { Failure } from "../ui/surfaces";
import { newRun } from "./actions";
import { navigate, to } from "./route";
import { toast } from "./toast";
import "./newrun.css";

type Source = "text" | "path" | "upload";
const FORMATS = ["text", "jsonl", "csv"] as const;

interface Draft {
  source: Source;
  path: string;
  tasks: string;
  format: (typeof FORMATS)[number];
  more: Record<string, string>;
}

const NUMBERS = new Set(["jobs", "max_tokens", "max_cost", "samples"]);

function body(draft: Draft): Body {
  const filled = Object.entries(draft.more).filter(([, value]) => value.trim());
  const more = Object.fromEntries(filled.map(([name, value]) => [name, NUMBERS.has(name) ? Number(value) : value.trim()]));
  const tasks = draft.source === "path" ? { path: draft.path.trim() } : { tasks: draft.tasks, format: draft.format };
  return { ...tasks, ...more };
}

const byName = (name: string): Draft["format"] =>
  name.endsWith(".csv") ? "csv" : /\.jsonl?$|\.ndjson$/.test(name) ? "jsonl" : "text";

interface PartProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
}

function Typed({ draft, change }: PartProps) {
  return (
    <>
      <Field label={t("new.tasks")} hint={t(`new.tasks.${draft.format}`)}>
        {(id) => (
          <textarea
            id={id}
            rows={8}
            autoFocus
            spellCheck={false}
            placeholder={t("new.tasks.sample")}
            value={draft.tasks}
            onChange={(event) => change({ tasks: event.target.value })}
          />
        )}
      </Field>
      <Segments
        label={t("new.format")}
        value={draft.format}
        options={FORMATS.map((value) => ({ value, label: t(`format.${value}`) }))}
        onChange={(format) => change({ format })}
      />
    </>
  );
}

function Upload({ draft, change }: PartProps) {
  const take = async (file: File | undefined) => {
    if (file) change({ tasks: await file.text(), format: byName(file.name), source: "text" });
  };
  return (
    <Field label={t("new.upload")} hint={t("new.upload.hint")}>
      {(id) => (
        <input id={id} type="file" accept=".jsonl,.json,.ndjson,.csv,.txt" key={draft.source} onChange={(event) => void take(event.target.files?.[0])} />
      )}
    </Field>
  );
}

function Path({ draft, change }: PartProps) {
  return (
    <Field label={t("new.path")} hint={t("new.path.hint")}>
      {(id) => (
        <input
          id={id}
          className="mono"
          autoFocus
          spellCheck={false}
          placeholder="tasks.jsonl"
          value={draft.path}
          onChange={(event) => change({ path: event.target.value })}
        />
      )}
    </Field>
  );
}

function More({ draft, change }: PartProps) {
  const { data: models } = useResource<Page<ModelRow>>("/models");
  const set = (name: string, value: string) => change({ more: { ...draft.more, [name]: value } });
  const text = (name: "name" | "system" | "agent") => (
    <Field label={t(`new.${name}`)} hint={t(`new.${name}.hint`)}>
      {(id) => <input id={id} value={draft.more[name] ?? ""} onChange={(event) => set(name, event.target.value)} />}
    </Field>
  );
  const figure = (name: "jobs" | "samples" | "max_tokens" | "max_cost", step = "1", min = "1") => (
    <Field label={t(`new.${name}`)}>
      {(id) => (
        <input id={id} type="number" min={min} step={step} placeholder={t("new.default")} value={draft.more[name] ?? ""} onChange={(event) => set(name, event.target.value)} />
      )}
    </Field>
  );
  return (
    <details className="new-more">
      <summary>{t("new.more")}</summary>
      <div className="new-grid">
        {text("name")}
        <Field label={t("model")} hint={t("new.model.hint")}>
          {(id) => (
            <select id={id} value={draft.more.model ?? ""} onChange={(event) => set("model", event.target.value)}>
              <option value="">{t("new.default")}</option>
              {models?.items.map((model) => (
                <option key={model.name}>{model.name}</option>
              ))}
            </select>
          )}
        </Field>
        {text("agent")}
        {text("system")}
        <div className="new-figures">
          {figure("jobs")}
          {figure("samples")}
          {figure("max_tokens")}
          {figure("max_cost", "any", "0")}
        </div>
      </div>
    </details>
  );
}

export default function NewRun({ start }: { start: { path?: string } }) {
  const [draft, setDraft] = useState<Draft>({ source: start.path ? "path" : "text", path: start.path ?? "", tasks: "", format: "text", more: {} });
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const ready = draft.source === "path" ? draft.path.trim() : draft.tasks.trim();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const run = await api.post<Run>("/runs", body(draft));
      newRun.set(null);
      toast(t("new.done", { name: run.name }));
      navigate(to("swarm", run.id));
    } catch (failed) {
      setError(failed as ApiError);
      setBusy(false);
    }
  };
  return (
    <Dialog
      wide
      title={t("new-run")}
      onClose={() => newRun.set(null)}
      actions={
        <>
          <Button onClick={() => newRun.set(null)}>{t("cancel")}</Button>
          <Button tone="primary" icon="play" type="submit" form="new-run" disabled={!ready || busy}>
            {t("new.start")}
          </Button>
        </>
      }
    >
      <form id="new-run" className="new-run" onSubmit={(event) => void submit(event)}>
        <Segments<Source>
          label={t("new.source")}
          value={draft.source}
          options={[
            { value: "text", label: t("new.source.text"), icon: "text" },
            { value: "path", label: t("new.source.path"), icon: "file" },
            { value: "upload", label: t("new.source.upload"), icon: "up" },
          ]}
          onChange={(source) => change({ source })}
        />
        {draft.source === "text" && <Typed draft={draft} change={change} />}
        {draft.source === "path" && <Path draft={draft} change={change} />}
        {draft.source === "upload" && <Upload draft={draft} change={change} />}
        <More draft={draft} change={change} />
        {error && <Failure error={error} />}
      </form>
    </Dialog>
  );
}
