// What stands where no run was started yet: how to start one.
import { openNewRun } from "../../app/actions";
import { useMay } from "../../app/session";
import { t } from "../../i18n/i18n";
import { Button } from "../../ui/controls";
import { Empty } from "../../ui/surfaces";

export function NoRuns() {
  const may = useMay("admin");
  return (
    <Empty
      icon="runs"
      title={t("no-runs.title")}
      action={
        may && (
          <Button tone="primary" icon="plus" keys="n" onClick={() => openNewRun()}>
            {t("new-run")}
          </Button>
        )
      }
    >
      {t("no-runs.text")} <code>pyagent swarm run tasks.jsonl</code>
    </Empty>
  );
}
