// Who asks whom: live runs on the left, models on the right, and every agent at work between them.
import type { AgentRow, Run } from "../../api/types";
import { to } from "../../app/route";
import { t } from "../../i18n/i18n";
import { Empty } from "../../ui/surfaces";
import { useAtWork } from "./Roll";

const WIDTH = 960;
const DOTS = 60;
const NODE = { width: 190, height: 44 };

interface Link {
  run: string;
  model: string;
  agents: AgentRow[];
}

function links(agents: AgentRow[]): Link[] {
  const by = new Map<string, Link>();
  for (const agent of agents) {
    const model = agent.model ?? t("model-unknown");
    const key = `${agent.run}\n${model}`;
    const link = by.get(key) ?? { run: agent.run, model, agents: [] };
    link.agents.push(agent);
    by.set(key, link);
  }
  return [...by.values()];
}

const spread = (i: number, n: number, height: number): number => ((i + 0.5) / Math.max(1, n)) * height;

function Node({ x, y, title, note, href }: { x: number; y: number; title: string; note: string; href?: string }) {
  const body = (
    <g transform={`translate(${x} ${y - NODE.height / 2})`}>
      <rect width={NODE.width} height={NODE.height} rx="8" className="topo-node" />
      <text x="12" y="19" className="topo-title">
        {title.length > 24 ? `${title.slice(0, 23)}…` : title}
      </text>
      <text x="12" y="34" className="topo-note">
        {note}
      </text>
    </g>
  );
  return href ? <a href={href}>{body}</a> : body;
}

interface ClusterProps {
  link: Link;
  /** Heights of the run, of the agents and of the model. */
  from: number;
  y: number;
  until: number;
  onOpen: (agent: AgentRow) => void;
}

function Cluster({ link, from, y, until, onOpen }: ClusterProps) {
  const [left, right] = [NODE.width, WIDTH - NODE.width];
  const middle = (left + right) / 2;
  const columns = Math.min(12, Math.ceil(Math.sqrt(link.agents.length * 2)));
  const shown = link.agents.slice(0, DOTS);
  const rows = Math.ceil(shown.length / columns);
  const thick = 1 + Math.min(10, Math.sqrt(link.agents.length));
  return (
    <g>
      <path d={`M${left} ${from} C${left + 120} ${from} ${middle - 190} ${y} ${middle} ${y} S${right - 120} ${until} ${right} ${until}`} className="topo-link" strokeWidth={thick} />
      {shown.map((agent, i) => (
        <circle
          key={agent.task}
          r="5"
          cx={middle + ((i % columns) - (columns - 1) / 2) * 14}
          cy={y + (Math.floor(i / columns) - (rows - 1) / 2) * 14}
          className="topo-dot"
          onClick={() => onOpen(agent)}
        >
          <title>{agent.task}</title>
        </circle>
      ))}
      {link.agents.length > DOTS && (
        <text x={middle} y={y + rows * 7 + 16} textAnchor="middle" className="topo-note">
          {t("and-more", { n: link.agents.length - DOTS })}
        </text>
      )}
    </g>
  );
}

export function Topology({ runs, onOpen }: { runs: Run[]; onOpen: (agent: AgentRow) => void }) {
  const agents = [...useAtWork().values()];
  const all = links(agents);
  const live = runs.filter((run) => run.alive || all.some((link) => link.run === run.id));
  const models = [...new Set([...all.map((link) => link.model), ...live.flatMap((run) => run.model ?? [])])].sort();
  if (live.length === 0)
    return (
      <Empty icon="swarm" title={t("topology.none")}>
        {t("topology.none-text")}
      </Empty>
    );
  const height = Math.max(320, Math.max(live.length, models.length, all.length) * 112);
  const runY = (id: string) => spread(live.findIndex((run) => run.id === id), live.length, height);
  const modelY = (name: string) => spread(models.indexOf(name), models.length, height);
  // Each has a height of its own, in an order that crosses few lines.
  const ordered = [...all].sort((a, b) => runY(a.run) + modelY(a.model) - runY(b.run) - modelY(b.model));
  const count = (which: (agent: AgentRow) => boolean) => t("n-at-work", { n: agents.filter(which).length });
  return (
    <div className="topology" tabIndex={0} role="group" aria-label={t("view.topology")}>
      <svg viewBox={`-4 0 ${WIDTH + 8} ${height}`} role="img" aria-label={t("topology.said", { agents: agents.length, runs: live.length, models: models.length })}>
        {ordered.map((link, i) => (
          <Cluster key={link.run + link.model} link={link} from={runY(link.run)} y={spread(i, ordered.length, height)} until={modelY(link.model)} onOpen={onOpen} />
        ))}
        {live.map((run) => (
          <Node key={run.id} x={0} y={runY(run.id)} title={run.name} note={count((agent) => agent.run === run.id)} href={to("swarm", run.id)} />
        ))}
        {models.map((name) => (
          <Node key={name} x={WIDTH - NODE.width} y={modelY(name)} title={name} note={count((agent) => (agent.model ?? t("model-unknown")) === name)} />
        ))}
      </svg>
    </div>
  );
}
