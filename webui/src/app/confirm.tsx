// One question before what cannot be undone; it may ask for a reason.
import { useState } from "react";
import { t } from "../i18n/i18n";
import { Button, Field } from "../ui/controls";
import { Dialog } from "../ui/Dialog";
import { Box, useBox } from "./store";

interface Question {
  title: string;
  text?: string;
  yes: string;
  danger?: boolean;
  reason?: string;
}
type Answer = { reason: string } | null;
const asked = new Box<(Question & { answer: (answer: Answer) => void }) | null>(null);

/** The person's answer: null for no, else with the reason, which is empty unless it was asked for. */
export function confirm(question: Question): Promise<Answer> {
  return new Promise((resolve) => {
    asked.get()?.answer(null);
    asked.set({
      ...question,
      answer: (answer) => {
        asked.set(null);
        resolve(answer);
      },
    });
  });
}

export function Confirm() {
  const question = useBox(asked);
  const [reason, setReason] = useState("");
  if (!question) return null;
  const finish = (answer: Answer) => {
    setReason("");
    question.answer(answer);
  };
  return (
    <Dialog
      title={question.title}
      onClose={() => finish(null)}
      actions={
        <>
          <Button onClick={() => finish(null)}>{t("cancel")}</Button>
          <Button tone={question.danger ? "danger" : "primary"} autoFocus={!question.reason} onClick={() => finish({ reason })}>
            {question.yes}
          </Button>
        </>
      }
    >
      {question.text && <p className="dim">{question.text}</p>}
      {question.reason && (
        <Field label={question.reason}>
          {(id) => (
            <input
              id={id}
              autoFocus
              value={reason}
              onChange={(event) => setReason(event.target.value)}
              onKeyDown={(event) => event.key === "Enter" && finish({ reason })}
            />
          )}
        </Field>
      )}
    </Dialog>
  );
}
