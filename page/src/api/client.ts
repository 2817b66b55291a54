// Requests to this server, with the token of its run. Not here: what is asked.
import { RefusedError, UnreachableError } from "./errors";

export { RefusedError, UnreachableError } from "./errors";

const content = (name: string): string =>
  document.querySelector<HTMLMetaElement>(`meta[name=${name}]`)?.content ?? "";

const UNKNOWN_TOKEN = 401;

let token = content("token");

/** What `CSP` lets style elements through with. */
export const styleNonce = content("style-nonce");

/** Whether run.py goes on to training once recording has ended. */
export const trainsAtEnd = content("trains") === "true";

export interface RequestOptions {
  signal?: AbortSignal;
  /** Goes on while the page closes; the body has at most 64 KiB then. */
  keepalive?: boolean;
}

/** The answer's object. A body makes it a POST. Throws RefusedError, UnreachableError, and AbortError. */
export async function ask<Answer>(path: string, body?: unknown, options: RequestOptions = {}): Promise<Answer> {
  const sent = token;
  let response = await request(path, body, options);
  if (response.status === UNKNOWN_TOKEN && await hasNewToken(sent)) response = await request(path, body, options);
  const answer: unknown = await response.json().catch(() => ({}));
  if (response.ok) return answer as Answer;
  if (response.status === UNKNOWN_TOKEN) throw new RefusedError(UNKNOWN_TOKEN, "this page is of an earlier run of the server; load this page again");
  const { detail, next } = answer as { detail?: string; next?: number };
  throw new RefusedError(response.status, detail ?? `status ${response.status}`, next ?? null);
}

// A server that was started again has another token: its page has it. Whether it is another than `sent`.
async function hasNewToken(sent: string): Promise<boolean> {
  if (token !== sent) return true; // another request has fetched it meanwhile
  const page = await (await request("/", undefined, {})).text();
  token = new DOMParser().parseFromString(page, "text/html").querySelector<HTMLMetaElement>("meta[name=token]")?.content ?? token;
  return token !== sent;
}

async function request(path: string, body: unknown, options: RequestOptions): Promise<Response> {
  const init: RequestInit = {
    method: body === undefined ? "GET" : "POST",
    headers: { "X-CodeAssist-Token": token, "Content-Type": "application/json" },
    ...options,
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new UnreachableError();
  }
}
