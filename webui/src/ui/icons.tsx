// One hand for all pictures: 16 by 16, strokes of 1.5, drawn in the text's colour.
import type { ReactNode } from "react";

const paths: Record<string, ReactNode> = {
  overview: <path d="M2.5 9.5h4v4h-4zM2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM9.5 9.5h4v4h-4z" />,
  swarm: (
    <>
      <circle cx="8" cy="8" r="1.8" />
      <circle cx="3" cy="4" r="1.3" />
      <circle cx="13" cy="4" r="1.3" />
      <circle cx="3" cy="12" r="1.3" />
      <circle cx="13" cy="12" r="1.3" />
      <path d="M4.1 4.9 6.6 6.8M11.9 4.9 9.4 6.8M4.1 11.1l2.5-1.9M11.9 11.1 9.4 9.2" />
    </>
  ),
  approvals: (
    <>
      <rect x="2" y="4.5" width="12" height="9" rx="1.5" />
      <path d="M4 2.5h8M5.5 9l1.8 1.8 3.4-3.6" />
    </>
  ),
  runs: <path d="M2 4h6M5 8h8M4 12h4M11 4h3M2 8h0M11 12h3" />,
  stats: <path d="M2.5 13.5h11M4 11V7.5M7 11V3M10 11V6M13 11V4.5" />,
  models: <path d="m8 2 5.5 3v6L8 14l-5.5-3V5zM2.5 5 8 8l5.5-3M8 8v6" />,
  schedules: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 4.5V8l2.5 1.5" />
    </>
  ),
  plugins: <path d="M6 2.5v3M10 2.5v3M4 5.5h8V8a4 4 0 0 1-8 0zM8 12v2" />,
  settings: (
    <>
      <path d="M2 5h6M12 5h2M2 11h2M8 11h6" />
      <circle cx="10" cy="5" r="1.8" />
      <circle cx="6" cy="11" r="1.8" />
    </>
  ),
  logs: <path d="m3 5 2.5 2.5L3 10M7.5 11H13" />,
  audit: <path d="M8 2 13 4v4c0 3-2.2 5-5 6-2.8-1-5-3-5-6V4zM5.8 8l1.6 1.6L10.3 6.5" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.2" />
      <path d="m10.2 10.2 3.3 3.3" />
    </>
  ),
  plus: <path d="M8 3v10M3 8h10" />,
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  play: <path d="M5 3.2v9.6L12.5 8z" />,
  stop: <rect x="4" y="4" width="8" height="8" rx="1" />,
  halt: <path d="M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM5.5 8h5" />,
  check: <path d="m3 8.5 3.2 3.2L13 4.8" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  up: <path d="M8 13V3.5M4 7l4-4 4 4" />,
  down: <path d="M8 3v9.5M4 9l4 4 4-4" />,
  undo: <path d="M6 3 3 6l3 3M3 6h6a4 4 0 0 1 0 8H6" />,
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.4" />,
  help: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M6.3 6.4a1.8 1.8 0 1 1 2.4 1.7c-.5.2-.7.5-.7 1M8 11.3v.01" />
    </>
  ),
  grid: <path d="M2.5 2.5h2.6v2.6H2.5zM6.7 2.5h2.6v2.6H6.7zM10.9 2.5h2.6v2.6h-2.6zM2.5 6.7h2.6v2.6H2.5zM6.7 6.7h2.6v2.6H6.7zM10.9 6.7h2.6v2.6h-2.6zM2.5 10.9h2.6v2.6H2.5zM6.7 10.9h2.6v2.6H6.7z" />,
  table: <path d="M2.5 3.5h11v9h-11zM2.5 6.5h11M2.5 9.5h11M6 6.5v6" />,
  sun: (
    <>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9" />
    </>
  ),
  back: <path d="M9.5 3.5 5 8l4.5 4.5" />,
  open: <path d="M6.5 3.5 11 8l-4.5 4.5" />,
  download: <path d="M8 2.5v7M5 7l3 3 3-3M3 13h10" />,
  file: <path d="M4 2h5l3 3v9H4zM9 2v3h3" />,
  text: <path d="M3 4h10M3 8h10M3 12h6" />,
  tool: <path d="M10.5 2.5a3 3 0 0 0-3 4L3 11l2 2 4.5-4.5a3 3 0 0 0 4-3l-1.8 1.2-1.6-.6-.4-1.8z" />,
  clock: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 4.5V8l2.5 1.5" />
    </>
  ),
  key: (
    <>
      <circle cx="5.2" cy="10.8" r="2.7" />
      <path d="m7.2 8.8 6-6M11 5l1.8 1.8" />
    </>
  ),
  person: (
    <>
      <circle cx="8" cy="5.2" r="2.7" />
      <path d="M3 13.5c.6-2.7 2.5-4 5-4s4.4 1.3 5 4" />
    </>
  ),
};

// The server's names for panels whose pictures have shorter ones here.
paths.statistics = paths.stats;
paths.puzzle = paths.plugins;

export function Icon({ name, size = 16 }: { name: string; size?: number }) {
  const drawn = paths[name];
  if (!drawn) return <span className="icon-letter" aria-hidden="true">{name.slice(0, 1).toUpperCase()}</span>;
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className="icon"
    >
      {drawn}
    </svg>
  );
}

export const drawn = (name: string | null): name is string => name !== null && name in paths;
