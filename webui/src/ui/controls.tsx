// What is pressed, chosen and typed into. All of it is reachable by keyboard and says its name.
import { useId, type ButtonHTMLAttributes, type InputHTMLAttributes, type ReactNode } from "react";
import { Icon } from "./icons";

type Tone = "plain" | "primary" | "danger" | "quiet";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: Tone;
  icon?: string;
  keys?: string;
  small?: boolean;
}

export function Button({ tone = "plain", icon, keys, small, children, className = "", ...rest }: ButtonProps) {
  const bare = children === undefined ? " bare" : "";
  return (
    <button type="button" className={`button ${tone}${small ? " small" : ""}${bare} ${className}`} {...rest}>
      {icon && <Icon name={icon} size={small ? 14 : 16} />}
      {children !== undefined && <span className="cut">{children}</span>}
      {keys && <Kbd keys={keys} />}
    </button>
  );
}

export function Kbd({ keys }: { keys: string }) {
  return (
    <span className="keys">
      {keys.split(" ").map((key, i) => (
        <kbd key={i}>{key}</kbd>
      ))}
    </span>
  );
}

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  options: { value: T; label: string; icon?: string; count?: number }[];
  onChange: (value: T) => void;
}

export function Segments<T extends string>({ label, value, options, onChange }: SegmentsProps<T>) {
  return (
    <div className="segments" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {option.icon && <Icon name={option.icon} size={14} />}
          {option.label}
          {option.count !== undefined && <span className="num dim">{option.count}</span>}
        </button>
      ))}
    </div>
  );
}

export function Field({ label, hint, children }: { label: string; hint?: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
      {hint && <p className="hint">{hint}</p>}
    </div>
  );
}

interface SearchProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "onChange"> {
  label: string;
  onChange: (value: string) => void;
}

/** A filter box; `/` moves the cursor into the page's first one. */
export function Search({ label, onChange, ...rest }: SearchProps) {
  return (
    <label className="search">
      <Icon name="search" size={14} />
      <span className="hidden">{label}</span>
      <input type="search" placeholder={label} spellCheck={false} onChange={(e) => onChange(e.target.value)} {...rest} />
    </label>
  );
}

interface SwitchProps {
  label: string;
  on: boolean;
  onChange: (on: boolean) => void;
  disabled?: boolean;
}

export function Switch({ label, on, onChange, disabled }: SwitchProps) {
  return (
    <button
      type="button"
      role="switch"
      aria-checked={on}
      aria-label={label}
      disabled={disabled}
      className="switch"
      onClick={() => onChange(!on)}
    >
      <span />
    </button>
  );
}
