// All keys that work right now, in a sheet; made from what is bound, so that it is never out of date.
import { t } from "../i18n/i18n";
import { Kbd } from "../ui/controls";
import { Dialog } from "../ui/Dialog";
import { useKeyGroups } from "./keys";
import { Box, useBox } from "./store";

const open = new Box(false);
export const openHelp = (): void => open.set(true);

export function HelpSheet() {
  const groups = useKeyGroups();
  if (!useBox(open)) return null;
  return (
    <Dialog wide title={t("help")} onClose={() => open.set(false)}>
      <div className="sheet">
        {[...groups].reverse().map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.keys.map((key) => (
                <div key={key.keys}>
                  <dt>{key.label}</dt>
                  <dd>
                    <Kbd keys={key.keys.replaceAll("+", " ")} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>{t("keys.lists")}</h3>
          <dl>
            {(
              [
                ["↑ ↓", t("keys.move")],
                ["Enter", t("keys.open")],
                ["Space", t("keys.select")],
              ] as const
            ).map(([keys, label]) => (
              <div key={keys}>
                <dt>{label}</dt>
                <dd>
                  <Kbd keys={keys} />
                </dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Dialog>
  );
}
