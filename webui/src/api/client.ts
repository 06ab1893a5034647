// The one way to the server: JSON in and out, the CSRF header on what changes things, problems as errors.
import type { Problem, Session } from "./types";

const BASE = "/api/v1";
let csrf = "";
let onSignedOut: () => void = () => {};

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

/** crypto.randomUUID is missing on pages that came over plain HTTP from another machine. */
function unique(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function problem(reply: Response): Promise<ApiError> {
  const text = await reply.text();
  try {
    const body = JSON.parse(text) as Partial<Problem>;
    return new ApiError(reply.status, body.detail || body.title || reply.statusText, body.hint);
  } catch {
    return new ApiError(reply.status, text.slice(0, 300) || reply.statusText);
  }
}

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const reply = await fetch(BASE + path, {
    method,
    credentials: "same-origin",
    headers: {
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(method === "GET" ? {} : { "x-pyagent-csrf": csrf }),
      ...(method === "POST" ? { "idempotency-key": unique() } : {}),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch(() => {
    throw new ApiError(0, "The server does not answer.", "Start it again: pyagent serve");
  });
  if (reply.ok) return reply;
  const error = await problem(reply);
  if (reply.status === 401 && path !== "/session") onSignedOut();
  throw error;
}

async function parse<T>(reply: Response): Promise<T> {
  return (reply.status === 204 ? undefined : await reply.json()) as T;
}

/** Path parts are encoded: a task's id may hold a slash. */
export function at(...parts: (string | number)[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join("");
}

export const api = {
  get: async <T>(path: string): Promise<T> => parse<T>(await send("GET", path)),
  post: async <T>(path: string, body: unknown = {}): Promise<T> => parse<T>(await send("POST", path, body)),
  remove: async (path: string): Promise<void> => void (await send("DELETE", path)),
  /** Change what was read before; its tag goes along, so that nobody else's change is lost. */
  patch: async <T>(path: string, body: unknown, etag: string): Promise<T> =>
    parse<T>(await send("PATCH", path, body, { "if-match": etag })),
};

export type Api = typeof api;

function keep(session: Session): Session {
  csrf = session.csrf;
  return session;
}

export async function openSession(token: string | null): Promise<Session> {
  if (token) return keep(await api.post<Session>("/session", { token }));
  return keep(await api.get<Session>("/session"));
}
