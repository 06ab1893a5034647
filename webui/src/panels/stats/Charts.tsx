// The charts over days and models. Apart from the panel, because ECharts is the heaviest part of the page.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import type { EChartsCoreOption } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import type { Stats } from "../../api/types";
import { number, spoken, t } from "../../i18n/i18n";
import { colour, useTheme } from "../../theme/theme";
import { seconds, short, usd } from "../../ui/format";
import { Card, Empty } from "../../ui/surfaces";

echarts.use([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

const PALETTE = ["--state-1", "--state-2", "--state-5", "--state-6", "--state-3", "--text-3"];

function frame(): EChartsCoreOption {
  const text = { color: colour("--text-2"), fontFamily: "Inter Variable", fontSize: 11 };
  return {
    textStyle: text,
    color: PALETTE.map(colour),
    animationDuration: 300,
    grid: { left: 6, right: 10, top: 34, bottom: 4, containLabel: true },
    legend: { textStyle: text, top: 0, left: 0, itemWidth: 9, itemHeight: 9, icon: "roundRect", itemGap: 16 },
    // Drawn on the canvas: the page's policy allows no style attributes in HTML made from text.
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: colour("--raised"), borderColor: colour("--line"), textStyle: { ...text, color: colour("--text") } },
  };
}

const axisLabel = (more: object = {}) => ({ color: colour("--text-2"), fontFamily: "Inter Variable", fontSize: 11, ...more });
const axisLook = () => ({ axisLabel: axisLabel(), axisLine: { lineStyle: { color: colour("--line") } }, axisTick: { show: false }, splitLine: { lineStyle: { color: colour("--line") } } });

function Chart({ option, label, height = 220 }: { option: () => EChartsCoreOption; label: string; height?: number }) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<echarts.ECharts | null>(null);
  const theme = useTheme();
  useEffect(() => {
    const made = echarts.init(box.current!);
    chart.current = made;
    const size = new ResizeObserver(() => made.resize());
    size.observe(box.current!);
    return () => {
      size.disconnect();
      made.dispose();
    };
  }, []);
  useEffect(() => {
    chart.current?.setOption({ ...frame(), ...option() }, true);
  }, [option, theme]);
  return <div ref={box} role="img" aria-label={label} style={{ height }} />;
}

const day = (at: number): string => new Date(at * 1000).toLocaleDateString(spoken(), { day: "numeric", month: "short" });

function byDay({ series }: Stats): EChartsCoreOption {
  const bar = (name: string, data: (number | null)[]) => ({ name, data, type: "bar", stack: "tokens", barMaxWidth: 22 });
  return {
    xAxis: { type: "category", data: series.at.map(day), ...axisLook() },
    yAxis: [
      { type: "value", ...axisLook(), axisLabel: axisLabel({ formatter: (value: number) => short(value) }) },
      { type: "value", ...axisLook(), axisLabel: axisLabel({ formatter: (value: number) => usd(value) }), splitLine: { show: false } },
    ],
    series: [
      bar(t("tokens.in"), series.tokens_in),
      bar(t("tokens.out"), series.tokens_out),
      { name: t("cost"), data: series.cost_usd, type: "line", yAxisIndex: 1, showSymbol: false, lineStyle: { width: 1.75 } },
    ],
  };
}

function latency({ models }: Stats): EChartsCoreOption {
  const timed = models.filter((row) => row.p50 !== null).slice(0, 12);
  const bar = (name: "p50" | "p95" | "p99") => ({ name, data: timed.map((row) => row[name]), type: "bar", barMaxWidth: 9, itemStyle: { borderRadius: 2 } });
  return {
    xAxis: { type: "value", ...axisLook(), axisLabel: axisLabel({ formatter: (value: number) => seconds(value), hideOverlap: true }) },
    yAxis: { type: "category", inverse: true, data: timed.map((row) => row.model), ...axisLook(), axisLabel: axisLabel({ width: 130, overflow: "truncate" }) },
    series: [bar("p50"), bar("p95"), bar("p99")],
  };
}

/** Share solved by model, averaged over dimensions, week by week. */
function capability({ capability: rows }: Stats): EChartsCoreOption {
  const weeks = [...new Set(rows.map((row) => row.week))].sort();
  const models = [...new Set(rows.map((row) => row.model))];
  const mean = (model: string, week: string) => {
    const hits = rows.filter((row) => row.model === model && row.week === week);
    return hits.length ? hits.reduce((total, row) => total + row.solved, 0) / hits.length : null;
  };
  return {
    xAxis: { type: "category", data: weeks, ...axisLook() },
    yAxis: { type: "value", min: 0, max: 1, ...axisLook(), axisLabel: axisLabel({ formatter: (value: number) => number(value, { style: "percent" }) }) },
    series: models.map((name) => ({ name, type: "line", connectNulls: true, symbolSize: 6, data: weeks.map((week) => mean(name, week)) })),
  };
}

export default function Charts({ stats }: { stats: Stats }) {
  return (
    <div className="columns">
      <Card title={t("tokens-and-cost")}>
        {stats.series.tasks.some((tasks) => tasks > 0) ? <Chart option={() => byDay(stats)} label={t("tokens-and-cost")} /> : <Empty icon="stats" title={t("stats.none")}>{t("stats.none-text")}</Empty>}
      </Card>
      <Card title={t("latency")}>
        {stats.models.some((row) => row.p50 !== null) ? <Chart option={() => latency(stats)} label={t("latency")} /> : <Empty icon="clock" title={t("stats.none")}>{t("stats.none-text")}</Empty>}
      </Card>
      <Card title={t("capability")}>
        {stats.capability.length ? (
          <Chart option={() => capability(stats)} label={t("capability")} />
        ) : (
          <Empty icon="models" title={t("capability.none")}>
            {t("capability.none-text")} <code>pyagent capability check</code>
          </Empty>
        )}
      </Card>
    </div>
  );
}
