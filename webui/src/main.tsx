// Where the page begins: looks and language first, so that nothing is drawn twice.
import "@fontsource-variable/inter/index.css";
import "@fontsource-variable/jetbrains-mono/index.css";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { startKeys } from "./app/keys";
import { startSession } from "./app/session";
import { preferred, speak } from "./i18n/i18n";
import "./theme/tokens.css";
import "./theme/base.css";
import "./theme/ui.css";
import "./theme/shell.css";
import { startTheme } from "./theme/theme";

startTheme();
startKeys();
void Promise.all([speak(preferred()), startSession()]).then(() =>
  createRoot(document.getElementById("root")!).render(<App />),
);
