// The whole page: signed in or not, with what lies over any panel.
import { Suspense, lazy } from "react";
import { useLanguage } from "../i18n/i18n";
import { newRun } from "./actions";
import { Confirm } from "./confirm";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";
import { useSession } from "./session";
import { useBox } from "./store";
import { Toasts } from "./toast";

const NewRun = lazy(() => import("./NewRun"));

export function App() {
  const session = useSession();
  const language = useLanguage();
  const starting = useBox(newRun);
  if (session === undefined) return <div className="shell blank" aria-busy="true" />;
  if (session === null) return <SignIn />;
  return (
    <>
      <Shell key={language} />
      <Suspense>{starting && <NewRun start={starting} />}</Suspense>
      <Confirm />
      <Toasts />
    </>
  );
}
