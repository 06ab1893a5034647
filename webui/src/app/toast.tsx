// Short notes at the page's foot that something was done or failed; they say so to screen readers too.
import type { ApiError } from "../api/client";
import { t } from "../i18n/i18n";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Box, useBox } from "./store";

interface Note {
  id: number;
  text: string;
  hint?: string;
  bad?: boolean;
  action?: { label: string; run: () => void };
}
const notes = new Box<Note[]>([]);
const SHOWN_MS = 5000;
let last = 0;

const drop = (id: number) => notes.set(notes.get().filter((note) => note.id !== id));

export function toast(text: string, more: Omit<Note, "id" | "text"> = {}, shown = SHOWN_MS): void {
  const id = ++last;
  notes.set([...notes.get().slice(-3), { id, text, ...more }]);
  window.setTimeout(() => drop(id), shown);
}

export function complain(error: ApiError): void {
  toast(error.message, { hint: error.hint, bad: true }, 9000);
}

/** Do it, and say what came of it. */
export async function attempt<T>(work: Promise<T>, said?: string): Promise<T | undefined> {
  try {
    const done = await work;
    if (said) toast(said);
    return done;
  } catch (error) {
    complain(error as ApiError);
    return undefined;
  }
}

export function Toasts() {
  const shown = useBox(notes);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((note) => (
        <div key={note.id} className={`toast${note.bad ? " bad" : ""}`}>
          <Icon name={note.bad ? "halt" : "check"} />
          <div>
            {note.text}
            {note.hint && <p className="dim">{note.hint}</p>}
          </div>
          {note.action && (
            <Button
              small
              onClick={() => {
                drop(note.id);
                note.action!.run();
              }}
            >
              {note.action.label}
            </Button>
          )}
          <Button small tone="quiet" icon="close" aria-label={t("close")} onClick={() => drop(note.id)} />
        </div>
      ))}
    </div>
  );
}
