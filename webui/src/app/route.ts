// Where the page is: #/panel/part/part?query. In the hash, so that it works under any path and never reaches a log.
import { Box, useBox } from "./store";

export interface Route {
  panel: string;
  parts: string[];
  query: URLSearchParams;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [panel = "", ...parts] = path.split("/").map(decoded);
  return { panel: panel || "overview", parts: parts.filter(Boolean), query: new URLSearchParams(query) };
}

const route = new Box(parse(location.hash));
window.addEventListener("hashchange", () => route.set(parse(location.hash)));

export const here = (): Route => route.get();
export const useRoute = (): Route => useBox(route);

/** A link to a panel's page. */
export function to(panel: string, ...parts: (string | number)[]): string {
  return `#/${[panel, ...parts].map(encodeURIComponent).join("/")}`;
}

export function navigate(target: string): void {
  location.hash = target.startsWith("#") ? target : to(target);
}

/** Change the page without a step in the history, for what is only a look at the same thing. */
export function amend(target: string): void {
  history.replaceState(null, "", target);
  route.set(parse(target));
}
