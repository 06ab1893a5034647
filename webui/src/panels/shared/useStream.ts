// An answer in the making: text as it comes; a retry begins a new epoch and drops what was there.
import { useState } from "react";
import { streamOf } from "../../api/live";
import { useTopic } from "../../api/resource";

interface Frame {
  epoch: number;
  index: number;
  text: string;
}

export function useStream(run: string, task: string, on = true): string {
  const [held, setHeld] = useState({ epoch: -1, text: "", of: "" });
  // Topics are listed with commas; a task with one in its name is read by asking again instead.
  const topic = streamOf(run, task);
  useTopic(on && !topic.includes(",") ? topic : null, ({ kind, data }) => {
    const frame = data as Frame | null;
    if (!frame) return;
    setHeld((old) => {
      const goes = kind === "delta" && old.of === topic && frame.epoch === old.epoch;
      if (kind === "delta" && old.of === topic && frame.epoch < old.epoch) return old;
      return { epoch: frame.epoch, of: topic, text: goes ? old.text + frame.text : frame.text };
    });
  });
  return held.of === topic ? held.text : "";
}
