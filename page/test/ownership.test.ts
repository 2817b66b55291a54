import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import { Ownership } from "../src/recording/ownership";
import type { ReceivedWish } from "../src/recording/tabs";
import { FakeStorage } from "./fakes";

const NAME = "a document";

/** As the browser's: one holder a name, the others wait in turn. */
class FakeLocks {
  /** How long it takes to answer. */
  answerMs = 0;
  readonly #queues = new Map<string, (() => void)[]>();

  query(): Promise<{ held: { name: string }[] }> {
    const held = [...this.#queues].filter(([, queue]) => queue.length).map(([name]) => ({ name }));
    return Promise.resolve({ held });
  }

  request(name: string, { signal, ifAvailable }: LockOptions, work: (lock: object | null) => Promise<void> | undefined): Promise<void> {
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    if (ifAvailable && queue.length) return Promise.resolve(work(null));
    return new Promise((resolve, reject) => {
      const next = () => queue[0]?.();
      const begin = async () => {
        for (const end = Date.now() + this.answerMs; Date.now() < end;) await turn();
        if (signal?.aborted) return;
        signal?.removeEventListener("abort", giveUp);
        await work({});
        queue.shift();
        resolve();
        next();
      };
      const giveUp = () => {
        const isNext = queue.indexOf(start) === 0;
        queue.splice(queue.indexOf(start), 1);
        reject(new Error("aborted"));
        if (isNext) next();
      };
      const start = () => void begin();
      queue.push(start);
      signal?.addEventListener("abort", giveUp);
      if (queue.length === 1) next();
    });
  }
}

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

class FakeChannel {
  static all: FakeChannel[] = [];
  #listener: (event: { data: unknown }) => void = () => undefined;

  constructor() { FakeChannel.all.push(this); }

  addEventListener(_: string, listener: (event: { data: unknown }) => void): void { this.#listener = listener; }

  postMessage(data: unknown): void {
    for (const other of FakeChannel.all) if (other !== this) setImmediate(() => other.#listener({ data }));
  }
}

/** A browser with tabs; time goes on only by `tick`. */
function browser(context: TestContext) {
  const storage = new FakeStorage();
  const locks = new FakeLocks();
  FakeChannel.all = [];
  const before = Object.getOwnPropertyDescriptors(globalThis) as Record<string, PropertyDescriptor>;
  const globals: Record<string, unknown> = { navigator: { locks }, sessionStorage: new FakeStorage(), localStorage: storage, BroadcastChannel: FakeChannel };
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => {
    mock.timers.reset();
    for (const name of Object.keys(globals)) {
      const descriptor = before[name];
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else delete (globalThis as Record<string, unknown>)[name];
    }
  });
  return { storage, locks, tab: (onWish: (wish: ReceivedWish) => void = () => undefined) => new Ownership(onWish) };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await turn();
}

test("of two tabs that open a document at the same instant one has it", async (context) => {
  const { tab } = browser(context);
  const taken = await Promise.all([tab().take(NAME), tab().take(NAME)]);
  assert.deepEqual(taken.sort(), [false, true]);
});

test("a document that no tab has is taken however slow the browser is to say so", async (context) => {
  const { tab, locks } = browser(context);
  locks.answerMs = 60;
  assert.ok(await tab().takeBoth(NAME, "k", 20));
});

test("a document that a tab releases a moment later is taken", async (context) => {
  const { tab } = browser(context);
  const [first, second] = [tab(), tab()];
  await first.take(NAME);
  const taking = second.take(NAME, 1000);
  await settled();
  await first.release();
  assert.ok(await taking);
});

test("a tab that takes another document lets the one before go", async (context) => {
  const { tab } = browser(context);
  const [first, second] = [tab(), tab()];
  assert.ok(await first.take(NAME) && await first.take("other") && await second.take(NAME));
  assert.ok(await second.take(NAME), "its own is not elsewhere");
});

test("a document that has been ended can be opened elsewhere while what is left of it is sent", async (context) => {
  const { tab } = browser(context);
  const [first, second] = [tab(), tab()];
  assert.ok(await first.takeBoth(NAME, "k"));
  const { document, journal } = first.letGo();
  await document?.release();
  assert.ok(await second.take(NAME) && !(await second.takeJournal("k")));
  assert.equal(await second.borrowJournal("k", () => "sent twice"), null);
  await journal?.release();
  assert.ok(await second.takeJournal("k"));
});

test("a document goes to the tab that asks for it, once that sees all that was stored", async (context) => {
  const { tab, storage } = browser(context);
  const first = tab((wish) => void first.release(wish));
  const second = tab();
  await first.take(NAME);
  const [read, stored] = [storage.getItem.bind(storage), { isSeen: false }];
  storage.getItem = (key) => (stored.isSeen ? read(key) : null);
  let isTaken = false;
  const taking = second.takeOver(NAME).then(() => { isTaken = true; });
  await settled();
  mock.timers.tick(10);
  await settled();
  assert.ok(second.has(NAME) && !first.has(NAME) && !isTaken);
  stored.isSeen = true;
  mock.timers.tick(10);
  await taking;
});

test("a tab that is closed while it is asked answers by that", async (context) => {
  const { tab } = browser(context);
  const [first, second] = [tab(), tab()];
  await first.take(NAME);
  const taking = second.takeOver(NAME);
  await settled();
  await first.release();
  let isOver = false;
  void taking.then(() => { isOver = true; });
  while (!isOver) {
    mock.timers.tick(10);
    await settled();
  }
  assert.ok(second.has(NAME));
});

test("why a tab keeps its document is said at once if it says so, else after a while", async (context) => {
  const { tab } = browser(context);
  const second = tab();
  const wishes: ReceivedWish[] = [];
  const first = tab((wish) => wishes.push(wish));
  await first.take(NAME);
  for (const [refusal, words] of [["slow server", /waits for the server/], ["full storage", /no room/]] as const) {
    const asking = assert.rejects(second.takeOver(NAME), words);
    await settled();
    wishes.pop()?.answer(refusal);
    await asking;
  }
  const busy = assert.rejects(second.takeOver(NAME), /is busy/);
  await settled();
  mock.timers.tick(4000);
  await busy;
});

test("a tab that says nothing at all is stopped or asleep", async (context) => {
  const { tab } = browser(context);
  const [first, second] = [tab(), tab()];
  await first.take(NAME);
  FakeChannel.all.shift(); // what it hears it cannot work on
  const asking = assert.rejects(second.takeOver(NAME), /stopped or asleep.*Look at it.*or close it/);
  await settled();
  mock.timers.tick(4000);
  await asking;
  assert.ok(first.has(NAME));
});

test("journals that a tab has are told apart from those that were left", async (context) => {
  const { tab } = browser(context);
  const [first, second] = [tab(), tab()];
  await first.takeBoth(NAME, "open");
  assert.deepEqual(await second.free(["open", "left"]), ["left"]);
  assert.ok(await tab().takeBoth("other", "left"), "looking holds nothing");
});

test("a wish that nobody waits for any more is over", async (context) => {
  const { tab } = browser(context);
  let received: ReceivedWish | null = null;
  const first = tab((wish) => { received = wish; });
  await first.take(NAME);
  const asking = assert.rejects(tab().takeOver(NAME));
  await settled();
  const wish = received as ReceivedWish | null;
  assert.equal(wish?.isOver(), false);
  const now = Date.now();
  const clock = context.mock.method(Date, "now", () => now + 3600);
  assert.equal(wish?.isOver(), true);
  clock.mock.restore();
  mock.timers.tick(4000);
  await asking;
});
