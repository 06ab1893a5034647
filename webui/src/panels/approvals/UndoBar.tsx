// The ten seconds in which a decision has no effect yet, and the way back.
import { useEffect, useState } from "react";
import { useKeys } from "../../app/keys";
import { useBox } from "../../app/store";
import { t } from "../../i18n/i18n";
import { Button } from "../../ui/controls";
import { UNDO_SECONDS, undo, undoable } from "./decide";

export function UndoBar() {
  const last = useBox(undoable);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!last) return;
    const timer = setInterval(() => {
      setNow(Date.now());
      if (Date.now() > last.until) undoable.set(null);
    }, 250);
    return () => clearInterval(timer);
  }, [last]);
  useKeys(t("undo"), [{ keys: "u", label: t("undo"), run: () => void undo() }]);
  if (!last) return null;
  const left = Math.max(0, Math.ceil((last.until - now) / 1000));
  return (
    <div className="undo" role="status">
      <span className="cut">{last.text}</span>
      <Button small icon="undo" keys="u" onClick={() => void undo()}>
        {t("undo")} <span className="num dim">{Math.min(left, UNDO_SECONDS)} s</span>
      </Button>
    </div>
  );
}
