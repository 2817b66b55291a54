import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import { notices } from "../src/notices";
import { RecordingStatus } from "../src/recording/recording-status";
import type { RecordedSession } from "../src/recording/session";

const LOOK_MS = 5000;

class FakeSession {
  isAcknowledged = true;
  isKept = true;
  id = "s";
  flushes = 0;
  retry(): void { /* nothing waits */ }
  async flush(): Promise<void> { this.flushes += 1; }
}

/** A status that looks whether the server is there when `look` is called. */
function watched(context: TestContext) {
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  Object.defineProperty(globalThis, "document", { value: { hidden: false }, configurable: true });
  context.after(() => {
    mock.timers.reset();
    notices.set([]);
    delete (globalThis as Record<string, unknown>).document;
  });
  const server: { reason: string | null } = { reason: null };
  const status = new RecordingStatus(() => Promise.resolve(server.reason));
  const fake = new FakeSession();
  const session = fake as unknown as RecordedSession;
  status.follow(session);
  status.noteBegun(session);
  const look = async (reason: string | null) => {
    server.reason = reason;
    mock.timers.tick(LOOK_MS);
    await new Promise((resolve) => { setImmediate(resolve); });
  };
  return { status, session, fake, look };
}

test("a server that is gone is told of once, and recording goes on when it is back", async (context) => {
  const { status, fake, look } = watched(context);
  assert.equal(status.sign.value.state, "on");
  await look("no answer");
  await look("no answer");
  assert.match(status.sign.value.text, /Nothing is recorded: no answer. Your text is kept/);
  assert.equal(notices.value.length, 1);
  await look(null);
  assert.equal(status.sign.value.state, "on");
  assert.equal(fake.flushes, 1);
});

test("that the server is back does not hide that it refuses what is recorded", async (context) => {
  const { status, session, fake, look } = watched(context);
  await look("no answer");
  fake.isAcknowledged = false;
  status.report(session, "that is no state", true);
  await look(null);
  assert.match(status.sign.value.text, /that is no state/);
});

test("nothing is told of a session that is not open any more", (context) => {
  const { status, session } = watched(context);
  status.leave(session);
  status.report(session, "no answer", false);
  assert.equal(status.sign.value.state, "idle");
});
