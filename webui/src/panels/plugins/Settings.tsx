// Every setting with its value, where the value comes from, and what it is for.
import { useState, type FormEvent } from "react";
import { api } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Page, Setting } from "../../api/types";
import { useMay } from "../../app/session";
import { attempt } from "../../app/toast";
import { t } from "../../i18n/i18n";
import { Button, Field, Search } from "../../ui/controls";
import { Dialog } from "../../ui/Dialog";
import { Badge, Card, Failure, Skeleton } from "../../ui/surfaces";
import { Table, type Column } from "../../ui/Table";

const shown = (value: unknown): string => (value === null || value === undefined || value === "" ? "–" : typeof value === "string" ? value : JSON.stringify(value));

const columns = (): Column<Setting>[] => [
  { id: "key", label: t("setting"), width: "minmax(130px, 1.2fr)", cell: (row) => <code>{row.key}</code> },
  { id: "value", label: t("value"), width: "minmax(90px, 1fr)", cell: (row) => <code>{shown(row.value)}</code> },
  { id: "origin", label: t("from"), width: "110px", wide: true, cell: (row) => <span title={row.origin}><Badge tone={row.origin.startsWith("default") ? "neutral" : "accent"}>{row.origin.split("/").at(-1)}</Badge></span> },
  { id: "help", label: t("what-for"), width: "minmax(120px, 2fr)", wide: true, cell: (row) => <span className="dim">{row.help}</span> },
];

/** What was typed, as the kind of value that the setting holds. */
function typed(text: string, setting: Setting): unknown {
  if (typeof setting.default === "string" || setting.kind === "string" || setting.kind === "str") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function Edit({ setting, onClose, onDone }: { setting: Setting; onClose: () => void; onDone: () => void }) {
  const [text, setText] = useState(shown(setting.value) === "–" ? "" : shown(setting.value));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const done = await attempt(api.patch("/settings", { key: setting.key, value: typed(text, setting) }, setting.etag).then(() => true), t("saved"));
    if (done) onDone();
  };
  return (
    <Dialog
      title={setting.key}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button tone="primary" type="submit" form="setting">
            {t("save")}
          </Button>
        </>
      }
    >
      <form id="setting" onSubmit={(event) => void submit(event)} className="setting-form">
        <p className="dim">{setting.help}</p>
        <Field label={t("value")} hint={`${t("default")}: ${shown(setting.default)}`}>
          {(id) =>
            setting.choices?.length ? (
              <select id={id} value={text} onChange={(event) => setText(event.target.value)}>
                {setting.choices.map((choice) => (
                  <option key={choice}>{choice}</option>
                ))}
              </select>
            ) : (
              <input id={id} className="mono" autoFocus value={text} onChange={(event) => setText(event.target.value)} />
            )
          }
        </Field>
      </form>
    </Dialog>
  );
}

export function Settings() {
  const { data, error, reload } = useResource<Page<Setting>>("/settings");
  const may = useMay("admin");
  const [text, setText] = useState("");
  const [editing, setEditing] = useState<Setting | null>(null);
  if (!data) return error ? <Failure error={error} retry={reload} /> : <Skeleton height={280} />;
  const rows = data.items.filter((row) => `${row.key} ${row.help}`.toLowerCase().includes(text.toLowerCase()));
  return (
    <>
      <div className="page-bar">
        <Search label={t("filter-settings")} value={text} onChange={setText} />
        <span className="dim">{may ? t("settings.hint") : t("settings.read")}</span>
      </div>
      <Card flush className="grows">
        <Table label={t("tab.settings")} columns={columns()} rows={rows} id={(row) => row.key} onOpen={may ? setEditing : undefined} />
      </Card>
      {editing && <Edit key={editing.key} setting={editing} onClose={() => setEditing(null)} onDone={() => (setEditing(null), reload())} />}
    </>
  );
}
