// The approval in hand: what is asked, why it is risky, and four answers with their keys.
import type { Approval, Verb } from "../../api/types";
import { to } from "../../app/route";
import { named, t } from "../../i18n/i18n";
import { Button } from "../../ui/controls";
import { ago } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { Badge, Facts, type Tone } from "../../ui/surfaces";

const RISKS: Record<Approval["risk"], Tone> = { low: "ok", medium: "warn", high: "bad" };
export const riskTone = (risk: Approval["risk"]): Tone => RISKS[risk] ?? "neutral";

const ANSWERS: { verb: Verb; icon: string; key: string; tone: "primary" | "danger" | "plain" }[] = [
  { verb: "approve", icon: "check", key: "a", tone: "primary" },
  { verb: "reject", icon: "close", key: "r", tone: "danger" },
  { verb: "escalate", icon: "up", key: "e", tone: "plain" },
  { verb: "later", icon: "clock", key: "l", tone: "plain" },
];

interface DeckProps {
  card: Approval;
  left: number;
  may: boolean;
  act: (verb: Verb) => void;
}

export function Deck({ card, left, may, act }: DeckProps) {
  return (
    <div className="deck">
      <article className={`deck-card risk-${card.risk}`} key={card.id} aria-label={card.title}>
        <header>
          <div className="deck-badges">
            <Badge tone={riskTone(card.risk)} dot>
              {t("risk-of", { risk: named("risk", card.risk) })}
            </Badge>
            <Badge>{named("kind", card.kind)}</Badge>
            {card.state === "later" && <Badge tone="warn">{t("approval.later")}</Badge>}
          </div>
          <h2>{card.title}</h2>
        </header>
        <pre tabIndex={0} aria-label={t("details")}>{card.detail}</pre>
        <Facts
          facts={[
            [t("task"), <a key="task" href={to("runs", card.run, card.task)}>{card.task}</a>],
            [t("run"), <a key="run" href={to("runs", card.run)}>{card.run}</a>],
            [t("since"), ago(card.created)],
          ]}
        />
        {may ? (
          <footer>
            {ANSWERS.map(({ verb, icon, key, tone }) => (
              <Button key={verb} icon={icon} tone={tone} keys={key} onClick={() => act(verb)}>
                {t(`verb.${verb}`)}
              </Button>
            ))}
          </footer>
        ) : (
          <p className="dim">
            <Icon name="key" size={14} /> {t("may-not-approve")}
          </p>
        )}
      </article>
      {left > 0 && <div className="deck-under" aria-hidden="true" />}
      {left > 1 && <div className="deck-under second" aria-hidden="true" />}
    </div>
  );
}
