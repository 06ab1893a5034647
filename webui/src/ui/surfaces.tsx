// What content stands on: cards, empty states, skeletons, badges, meters, figures.
import type { CSSProperties, ReactNode } from "react";
import type { ApiError } from "../api/client";
import { t } from "../i18n/i18n";
import { Button } from "./controls";
import { Icon } from "./icons";

export type Tone = "neutral" | "accent" | "ok" | "warn" | "bad" | "reuse";

interface CardProps {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
  flush?: boolean;
}

export function Card({ title, actions, children, className = "", flush }: CardProps) {
  return (
    <section className={`card ${flush ? "flush" : ""} ${className}`}>
      {title && (
        <header>
          <h2>{title}</h2>
          {actions}
        </header>
      )}
      {children}
    </section>
  );
}

interface EmptyProps {
  icon: string;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function Empty({ icon, title, children, action }: EmptyProps) {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={icon} size={20} />
      </span>
      <h3>{title}</h3>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div className="failure" role="alert">
      <Icon name="halt" />
      <div>
        <p>{error.message}</p>
        {error.hint && <p className="dim">{error.hint}</p>}
      </div>
      {retry && (
        <Button small onClick={retry}>
          {t("retry")}
        </Button>
      )}
    </div>
  );
}

/** Holds the place of lines that are on their way, so that nothing jumps when they come. */
export function Skeleton({ lines = 3, height }: { lines?: number; height?: number }) {
  if (height) return <div className="skeleton block" style={{ height }} aria-hidden="true" />;
  return (
    <div className="skeletons" aria-hidden="true">
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} className="skeleton" style={{ width: `${92 - ((i * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

export function Badge({ tone = "neutral", dot, children }: { tone?: Tone; dot?: boolean; children: ReactNode }) {
  return (
    <span className={`badge ${tone}`}>
      {dot && <i aria-hidden="true" />}
      {children}
    </span>
  );
}

export function Figure({ label, value, note, tone }: { label: string; value: ReactNode; note?: ReactNode; tone?: Tone }) {
  return (
    <div className={`figure ${tone ?? ""}`}>
      <span className="dim">{label}</span>
      <strong className="num">{value}</strong>
      <span className="note">{note ?? " "}</span>
    </div>
  );
}

export interface Part {
  value: number;
  /** A token of theme/tokens.css. */
  colour: string;
  label: string;
}

/** A bar of parts of a whole; what is not there yet stays the ground's colour. */
export function Meter({ parts, total, label }: { parts: Part[]; total: number; label: string }) {
  return (
    <div className="meter" role="img" aria-label={label} title={label}>
      {parts
        .filter((part) => part.value > 0)
        .map((part) => (
          <i
            key={part.label}
            style={{ flexGrow: part.value, background: `var(${part.colour})` } as CSSProperties}
          />
        ))}
      <i style={{ flexGrow: Math.max(0, total - parts.reduce((sum, part) => sum + part.value, 0)) }} />
    </div>
  );
}

/** Names and values, aligned. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
