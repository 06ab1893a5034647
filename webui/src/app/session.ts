// Who looks at the page, and what they may do.
import { openSession, whenSignedOut } from "../api/client";
import { live } from "../api/live";
import type { Scope, Session } from "../api/types";
import { amend } from "./route";
import { Box, useBox } from "./store";

export const session = new Box<Session | null | undefined>(undefined);
export const useSession = (): Session | null | undefined => useBox(session);
export const useMay = (scope: Scope): boolean => useBox(session)?.scopes.includes(scope) ?? false;

/** Take the launch link's token out of the address bar before anything else can read it. */
function launchToken(): string | null {
  const token = new URLSearchParams(location.hash.replace(/^#\/?/, "")).get("token");
  if (token) amend("#/");
  return token;
}

export async function signIn(token: string | null): Promise<void> {
  session.set(await openSession(token));
}

export async function startSession(): Promise<void> {
  whenSignedOut(() => {
    live.close();
    session.set(null);
  });
  const token = launchToken();
  // A link used twice still opens the page when the cookie of the first time is there.
  await signIn(token)
    .catch(() => (token ? signIn(null) : Promise.reject(new Error("signed out"))))
    .catch(() => session.set(null));
}
