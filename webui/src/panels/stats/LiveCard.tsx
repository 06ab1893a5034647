// The last five minutes as they happen: agents at work and tasks done, one point a second.
import { useEffect, useRef } from "react";
import { t } from "../../i18n/i18n";
import { colour, useTheme } from "../../theme/theme";
import { Card } from "../../ui/surfaces";
import { SECONDS, beat, pulse, recall } from "../shared/pulse";
import type uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./stats.css";

const HEIGHT = 150;

/** How long ago a moment is, in whole minutes. */
const behind = (at: number): string => {
  const minutes = Math.round(Date.now() / 1000 - at) / 60;
  return minutes < 0.5 ? t("now") : t("minutes-ago", { n: Math.round(minutes) });
};

async function draw(box: HTMLElement): Promise<uPlot> {
  const { default: Plot } = await import("uplot");
  const axis = { stroke: colour("--text-2"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px 'Inter Variable'" };
  return new Plot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      padding: [8, 8, 0, 0],
      scales: { y: { range: (_, __, most) => [0, Math.max(4, most * 1.15)] }, rate: { range: (_, __, most) => [0, Math.max(4, (most || 0) * 1.15)] } },
      axes: [
        { ...axis, grid: { show: false }, size: 26, incrs: [60], values: (_, splits) => splits.map(behind) },
        { ...axis, size: 40 }, { ...axis, side: 1, scale: "rate", size: 44, grid: { show: false } },
      ],
      series: [
        {},
        { stroke: colour("--state-1"), width: 1.75, fill: `color-mix(in srgb, ${colour("--state-1")} 14%, transparent)` },
        { stroke: colour("--state-2"), width: 1.75, scale: "rate", spanGaps: true },
      ],
    },
    [[], [], []],
    box,
  );
}

export default function LiveCard() {
  const box = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  useEffect(() => {
    let plot: uPlot | undefined;
    let left = false;
    const element = box.current!;
    const show = () => {
      beat();
      const now = Date.now() / 1000;
      plot?.setData([pulse.at, pulse.work, pulse.rate] as uPlot.AlignedData, false);
      plot?.setScale("x", { min: now - SECONDS, max: now });
    };
    recall(show);
    const timer = setInterval(show, 1000);
    const size = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }));
    void draw(element).then((made) => {
      if (left) return made.destroy();
      plot = made;
      size.observe(element);
      show();
    });
    return () => {
      left = true;
      clearInterval(timer);
      size.disconnect();
      plot?.destroy();
    };
  }, [theme]);
  return (
    <Card
      title={t("live")}
      actions={
        <span className="chart-keys">
          <span>
            <i style={{ background: "var(--state-1)" }} /> {t("agents-at-work")}
          </span>
          <span>
            <i style={{ background: "var(--state-2)" }} /> {t("tasks-a-minute")}
          </span>
        </span>
      }
    >
      <div>
        <div ref={box} role="img" aria-label={t("live")} style={{ minHeight: HEIGHT }} />
      </div>
    </Card>
  );
}
