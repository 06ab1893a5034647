// A window over the page: the browser's own <dialog> keeps the focus inside and closes on Escape.
import { useEffect, useRef, type ReactNode } from "react";
import { t } from "../i18n/i18n";
import { Button } from "./controls";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  actions?: ReactNode;
  wide?: boolean;
  bare?: boolean;
}

export function Dialog({ title, onClose, children, actions, wide, bare }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const dialog = box.current!;
    if (!dialog.open) dialog.showModal();
    // Where the person goes on: the first thing to fill in, else the answer.
    dialog.querySelector<HTMLElement>(".dialog-body :is(input, textarea, select), footer .button:last-child")?.focus();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog
      ref={box}
      className={`dialog${wide ? " wide" : ""}${bare ? " bare" : ""}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === box.current && onClose()}
    >
      {!bare && (
        <header>
          <h2>{title}</h2>
          <Button tone="quiet" icon="close" aria-label={t("close")} onClick={onClose} />
        </header>
      )}
      <div className="dialog-body">{children}</div>
      {actions && <footer>{actions}</footer>}
    </dialog>
  );
}
