// Who may call the API with what rights: tokens are made here, shown once, and taken back.
import { useState, type FormEvent } from "react";
import { api, at } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Page, Scope, TokenRow } from "../../api/types";
import { confirm } from "../../app/confirm";
import { attempt } from "../../app/toast";
import { t } from "../../i18n/i18n";
import { Button, Field } from "../../ui/controls";
import { Dialog } from "../../ui/Dialog";
import { ago } from "../../ui/format";
import { Badge, Card, Empty, Failure, Skeleton } from "../../ui/surfaces";

const SCOPES: Scope[] = ["read", "approve", "admin"];

function New({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["read"]);
  const [made, setMade] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const done = await attempt(api.post<{ token: string }>("/tokens", { name: name.trim(), scopes }));
    if (!done) return;
    setMade(done.token);
    onDone();
  };
  const toggle = (scope: Scope) => setScopes((old) => (old.includes(scope) ? old.filter((one) => one !== scope) : [...old, scope]));
  return (
    <Dialog
      title={t("new-token")}
      onClose={onClose}
      actions={
        made ? (
          <Button tone="primary" onClick={onClose}>
            {t("close")}
          </Button>
        ) : (
          <Button tone="primary" type="submit" form="token" disabled={!name.trim() || scopes.length === 0}>
            {t("new-token.make")}
          </Button>
        )
      }
    >
      {made ? (
        <>
          <p>{t("new-token.once")}</p>
          <pre className="secret">{made}</pre>
        </>
      ) : (
        <form id="token" className="setting-form" onSubmit={(event) => void submit(event)}>
          <Field label={t("name")}>{(id) => <input id={id} autoFocus value={name} onChange={(event) => setName(event.target.value)} />}</Field>
          <fieldset className="scopes">
            <legend>{t("rights")}</legend>
            {SCOPES.map((scope) => (
              <label key={scope}>
                <input type="checkbox" checked={scopes.includes(scope)} onChange={() => toggle(scope)} /> {t(`scope.${scope}`)}
              </label>
            ))}
          </fieldset>
        </form>
      )}
    </Dialog>
  );
}

export function Tokens() {
  const { data, error, reload } = useResource<Page<TokenRow>>("/tokens");
  const [making, setMaking] = useState(false);
  const revoke = async (row: TokenRow) => {
    if (!(await confirm({ title: t("revoke.title", { name: row.name }), text: t("revoke.text"), yes: t("revoke"), danger: true }))) return;
    await attempt(api.remove(at("tokens", row.id)), t("revoked", { name: row.name }));
    reload();
  };
  if (!data) return error ? <Failure error={error} retry={reload} /> : <Skeleton height={200} />;
  const make = (
    <Button small tone="primary" icon="plus" onClick={() => setMaking(true)}>
      {t("new-token")}
    </Button>
  );
  return (
    <Card flush className="grows scrolling" title={t("tab.tokens")} actions={make}>
      {data.items.length === 0 ? (
        <Empty icon="key" title={t("tokens.none")}>
          {t("tokens.none-text")}
        </Empty>
      ) : (
        <ul className="panel-list token-list">
          {data.items.map((row) => (
            <li key={row.id}>
              <strong>{row.kind === "session" ? t("browser") : row.name}</strong>
              {row.current && <Badge tone="accent">{t("this-one")}</Badge>}
              {row.scopes.map((scope) => (
                <Badge key={scope}>{scope}</Badge>
              ))}
              <span className="gap" />
              <span className="dim">{row.used ? t("used", { when: ago(row.used) }) : t("never-used")}</span>
              <Button small tone="danger" onClick={() => void revoke(row)}>
                {t("revoke")}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {making && <New onClose={() => setMaking(false)} onDone={reload} />}
    </Card>
  );
}
