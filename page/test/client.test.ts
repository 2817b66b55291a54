import assert from "node:assert/strict";
import { test } from "node:test";

const FRESH = "of this run";

/** A server that was started again; `held` answers only once `release` is called. */
function restartedServer(held: string): { release: () => void } {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => { release = resolve; });
  const fetchFrom = async (path: string, init: { headers: Record<string, string> }) => {
    const isKnown = init.headers["X-CodeAssist-Token"] === FRESH;
    if (path === held && !isKnown) await released;
    return { status: isKnown || path === "/" ? 200 : 401, ok: isKnown, json: async () => ({ path }), text: async () => "" };
  };
  const element = (content: string) => ({ querySelector: () => ({ content }) });
  class Parser { parseFromString = () => element(FRESH); }
  Object.assign(globalThis, { document: element("of an earlier run"), DOMParser: Parser, fetch: fetchFrom });
  return { release };
}

test("a request that is refused after another has fetched the new token is sent again with it", async () => {
  const server = restartedServer("/late");
  const { ask } = await import("../src/api/client");
  const late = ask("/late", {});
  assert.deepEqual(await ask("/early", {}), { path: "/early" });
  server.release();
  assert.deepEqual(await late, { path: "/late" });
});
