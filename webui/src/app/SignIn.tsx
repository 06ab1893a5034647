// Shown to whoever has no session: where the link is, and a field for its token.
import { useState, type FormEvent } from "react";
import type { ApiError } from "../api/client";
import { t } from "../i18n/i18n";
import { Button, Field } from "../ui/controls";
import { Failure } from "../ui/surfaces";
import { Mark } from "./Mark";
import { signIn } from "./session";

/** The token, whether the person pasted it or the whole link. */
const tokenOf = (text: string): string => text.trim().split("token=").pop()!;

export function SignIn() {
  const [text, setText] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn(tokenOf(text)).catch(setError);
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <Mark size={36} />
        <h1>{t("sign-in.title")}</h1>
        <p className="dim">{t("sign-in.text")}</p>
        <pre>pyagent serve</pre>
        <Field label={t("sign-in.label")}>
          {(id) => <input id={id} value={text} autoComplete="off" spellCheck={false} onChange={(event) => setText(event.target.value)} />}
        </Field>
        {error && <Failure error={error} />}
        <Button tone="primary" type="submit" disabled={!text.trim()}>
          {t("sign-in")}
        </Button>
      </form>
    </main>
  );
}
