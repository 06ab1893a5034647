// The look and the language: kept in this browser, no setting of the server's.
import { useEffect, useRef, useState } from "react";
import { api } from "../api/client";
import { LANGUAGES, chooseLanguage, spoken, t, type Language } from "../i18n/i18n";
import { THEMES, choose, useChosen } from "../theme/theme";
import { Button, Segments } from "../ui/controls";
import { session, useSession } from "./session";
import { attempt } from "./toast";

async function signOut(): Promise<void> {
  await attempt(api.remove("/session"));
  session.set(null);
}

function Choices() {
  const theme = useChosen();
  const version = useSession()?.version;
  return (
    <>
      <h2>{t("theme")}</h2>
      <Segments
        label={t("theme")}
        value={theme}
        options={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
        onChange={choose}
      />
      <h2>{t("language")}</h2>
      <Segments
        label={t("language")}
        value={spoken()}
        options={(Object.entries(LANGUAGES) as [Language, string][]).map(([value, label]) => ({ value, label }))}
        onChange={chooseLanguage}
      />
      <footer>
        <span className="dim">PyAgent {version}</span>
        <Button small tone="quiet" onClick={() => void signOut()}>
          {t("sign-out")}
        </Button>
      </footer>
    </>
  );
}

export function Preferences() {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = (event: Event) => {
      const key = event instanceof KeyboardEvent ? event.key : null;
      if (key === "Escape" || (key === null && !box.current?.contains(event.target as Node))) setOpen(false);
    };
    window.addEventListener("pointerdown", close);
    window.addEventListener("keydown", close);
    return () => {
      window.removeEventListener("pointerdown", close);
      window.removeEventListener("keydown", close);
    };
  }, [open]);
  return (
    <div className="preferences" ref={box}>
      <Button tone="quiet" icon="sun" aria-label={t("preferences")} aria-expanded={open} onClick={() => setOpen(!open)} />
      {open && (
        <div className="popover" role="dialog" aria-label={t("preferences")}>
          <Choices />
        </div>
      )}
    </div>
  );
}
