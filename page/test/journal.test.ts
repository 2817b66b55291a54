import assert from "node:assert/strict";
import { test } from "node:test";
import { RefusedError } from "../src/api/errors";
import type { ChangeMessage, StartAnswer } from "../src/api/messages";
import { applyChanges } from "../src/editor/changes";
import { Courier, type Post } from "../src/recording/courier";
import { Journal, type StateMessage } from "../src/recording/journal";
import { FakeServer, FakeStorage, type RecordedOnDisk } from "./fakes";
import { choose, randomNumbers } from "./random";

const KEY = "k";
const CURSOR = { anchor: 3, head: 5 };

function started(storage = new FakeStorage(), text = "one\n") {
  const journal = Journal.begin(storage, KEY, { name: "a" }, text);
  journal.addState(state(text, 0));
  return { storage, journal };
}

function state(text: string, timestep: number): StateMessage {
  return { text, timestep, timestamp_ms: 1, action: null, attribution: [] };
}

function reloaded(storage: FakeStorage): Journal {
  const journal = Journal.load(storage, KEY);
  assert.ok(journal);
  return journal;
}

function change(position: number, deleted: number, inserted: string, origin = "input"): ChangeMessage {
  return [1, position, deleted, inserted, origin];
}

function played(text: string, changes: readonly ChangeMessage[]): string {
  return applyChanges(text, changes.map(([, position, deleted, inserted]) => ({ position, deleted, inserted })));
}

function courier(journal: Journal, server: Pick<FakeServer, "post">, reports: string[] = []): Courier {
  return new Courier(journal, {
    post: server.post, start: { problem_id: "p" }, delay: () => 0,
    report: (reason, isLasting) => { if (reason !== null) reports.push(`${isLasting}: ${reason}`); },
  });
}

/** A page that a crash takes: what it has asked goes on, no answer finds it. */
class Page {
  #hasCrashed = false;

  constructor(private readonly server: FakeServer) {}

  readonly post: Post = <Answer>(path: string, body: unknown): Promise<Answer> => {
    const answer = this.#hasCrashed ? new Promise<Answer>(() => undefined) : this.server.post<Answer>(path, body);
    return answer.finally(() => (this.#hasCrashed ? new Promise<void>(() => undefined) : undefined));
  };

  crash(): void { this.#hasCrashed = true; }
}

test("what was noted is there again after a crash, with the cursor", () => {
  const { storage, journal } = started();
  for (let i = 0; i < 100; i += 1) journal.addChanges([change(0, 0, `${i % 10}`)], CURSOR);
  journal.addState(state(journal.text(), 1));
  journal.addChanges([change(0, 1, "😀\r\n")], CURSOR);
  const again = reloaded(storage);
  assert.deepEqual([again.text(), again.next, again.timestep, again.selection], [journal.text(), 101, 1, CURSOR]);
  assert.deepEqual(again.pendingStates(), journal.pendingStates());
  assert.deepEqual(again.pendingChanges(200), journal.pendingChanges(200));
});

test("a tab that takes a session while the server is asked to begin it goes on in that one", async () => {
  const server = new FakeServer();
  const { storage, journal } = started();
  let answer = () => undefined as void;
  const answered = new Promise<void>((resolve) => { answer = resolve; });
  const sending = courier(journal, { post: async (path, body) => {
    const result = await server.post(path, body);
    await answered;
    return result as never;
  } });
  assert.ok(await sending.isStartAnswered(0), "nothing was asked yet");
  void sending.send();
  await settled();
  assert.ok(!(await sending.isStartAnswered(0)));
  answer();
  assert.ok(await sending.isStartAnswered(1000));
  sending.stop();
  journal.close();
  const taken = reloaded(storage);
  await courier(taken, server).end();
  assert.deepEqual([...server.disk.keys()], ["session-0"]);
  assert.equal(server.disk.get("session-0")?.isOpen, false);
});

test("a session whose beginning is answered to nobody is begun once", async () => {
  const server = new FakeServer();
  const { storage, journal } = started();
  let lost = 0;
  server.loses = (path) => (path.endsWith("start") && (lost += 1) < 3 ? "answer" : null);
  await courier(journal, server).send();
  assert.deepEqual([lost, server.disk.size], [3, 1]);

  const page = new Page(server);
  const other = Journal.begin(storage, "other", { name: "b" }, "");
  other.addState(state("", 0));
  void courier(other, page).send();
  await null;
  await null;
  page.crash(); // while it is begun
  await settled();
  const again = Journal.load(storage, "other");
  assert.ok(again?.session === null);
  await courier(again, server).end();
  assert.equal(server.disk.size, 2);
});

test("a request to begin that fails is answered", async () => {
  const server = new FakeServer();
  server.loses = () => "request";
  const sending = courier(started().journal, server);
  void sending.send();
  await settled();
  assert.ok(await sending.isStartAnswered(1000));
  sending.stop();
});

test("of a session that has ended nothing is stored any more, whatever is noted of it", () => {
  const { storage, journal } = started();
  journal.addChanges([change(0, 0, "a")], CURSOR);
  journal.remove();
  journal.noteSaved("r1"); // answered late
  journal.unmark("paste");
  assert.equal(storage.length, 0);
});

test("who looks what other tabs have changes nothing of it, though it be half written", () => {
  const { storage, journal } = started();
  journal.noteBegun("s");
  storage.removeItem(`codeassist.journal.${KEY}.state.0`); // acknowledged, which is not noted yet
  const before = storage.written;
  assert.deepEqual(Journal.summary(storage, KEY), { key: KEY, about: { name: "a" }, isEnding: false, touched: journal.touched });
  assert.equal(storage.written, before);
  assert.equal(Journal.summary(storage, "other"), null);
});

test("the revision that a text is based on is known after a reload, and so is what was typed while it was saved", () => {
  const { storage, journal } = started();
  assert.equal(journal.revision, null);
  journal.noteSaved("r1");
  assert.deepEqual([reloaded(storage).revision, reloaded(storage).isSaved], ["r1", true]);
  journal.addChanges([change(0, 0, "a")], CURSOR);
  const saving = journal.next;
  journal.addChanges([change(1, 0, "b")], CURSOR);
  journal.noteSaved("r2", saving);
  assert.deepEqual([reloaded(storage).revision, reloaded(storage).isSaved], ["r2", false]);
});

test("what is acknowledged does not pile up in the storage", () => {
  const { storage, journal } = started();
  journal.noteBegun("s");
  const early = { size: 0 };
  for (let i = 0; i < 5000; i += 1) {
    journal.addChanges([change(0, i % 2, i % 2 ? "" : "x")], CURSOR);
    if (i % 7 === 0) journal.acknowledgeChanges(journal.next);
    for (const message of journal.pendingStates()) journal.acknowledgeState(message);
    if (i === 1000) early.size = storage.size;
  }
  assert.ok(storage.size < 2 * early.size);
  assert.equal(reloaded(storage).text(), journal.text());
});

test("a keystroke stores little, however much waits for a connection", () => {
  const { storage, journal } = started(new FakeStorage(), "x = 1\n".repeat(1000));
  for (let i = 0; i < 1000; i += 1) journal.addActivity([i, "selection", { ranges: [[i, i]] }]);
  const before = storage.written;
  for (let i = 0; i < 100; i += 1) journal.addChanges([change(0, 0, "x")], CURSOR);
  assert.ok(storage.written - before < 100 * 2000);
  assert.equal(reloaded(storage).pendingActivity().events.length, 1000);
});

test("a full storage is noticed, and made good when there is room", () => {
  const { storage, journal } = started(new FakeStorage(2000));
  journal.noteBegun("s");
  assert.ok(journal.isKept);
  journal.addChanges([change(0, 0, "x".repeat(3000))], CURSOR);
  assert.ok(!journal.isKept);
  storage.capacity = 10_000;
  journal.acknowledgeChanges(1);
  assert.ok(journal.isKept);
  assert.equal(reloaded(storage).text(), journal.text());
});

test("what a full storage did not keep of what is acknowledged leaves nothing that waits for ever", async () => {
  const server = new FakeServer();
  const { storage, journal } = started();
  const sending = courier(journal, server);
  journal.addChanges([change(0, 0, "a")], CURSOR);
  await sending.send();
  storage.capacity = storage.size;
  journal.addChanges([change(1, 0, "b".repeat(1000))], CURSOR);
  await sending.send();
  const again = reloaded(storage);
  assert.equal(again.text(), "aone\n");
  again.addChanges([change(1, 0, "c")], CURSOR);
  assert.equal(again.session, null); // nothing that waits has a number that the server has given to something else
  await courier(again, server).end();
  const after = [...server.disk.values()].at(-1);
  assert.deepEqual([after?.ownStates[0]?.text, after?.changes.map((each) => each[3]), after?.isOpen], ["aone\n", ["c"], false]);
});

for (const isBegun of [false, true]) {
  test(`a text without its first state, ${isBegun ? "" : "not "}begun at the server, is recorded with one`, async () => {
    const server = new FakeServer();
    const { storage, journal } = started();
    if (isBegun) journal.noteBegun((await server.post<StartAnswer>("/start", {})).episode_id);
    journal.addChanges([change(0, 0, "a")], CURSOR);
    storage.removeItem(`codeassist.journal.${KEY}.state.0`);
    const again = reloaded(storage);
    assert.ok(again.source !== null || again.pendingStates().length); // else its changes wait for ever
    await courier(again, server).end();
    const after = [...server.disk.values()].at(-1);
    const [first] = after?.ownStates ?? [];
    assert.equal((after?.changes ?? []).map((each) => each[3]).join("") + first?.text, "aone\n");
  });
}

test("a damaged journal is none", () => {
  const { storage } = started();
  storage.setItem(`codeassist.journal.${KEY}.base`, "{");
  assert.equal(Journal.load(storage, KEY), null);
});

test("a removed journal leaves nothing", () => {
  const { storage, journal } = started();
  journal.addChanges([change(0, 0, "x")], CURSOR);
  journal.remove();
  assert.equal(storage.length, 0);
});

test("a later state takes the place of one that waits, and the answer to the earlier one does not remove it", () => {
  const { journal } = started();
  const [first] = journal.pendingStates();
  journal.addState(state("two", 1));
  const waiting = journal.pendingStates()[1]!;
  journal.dropLatestState();
  journal.addState(state("three", 1));
  journal.acknowledgeState(waiting);
  assert.deepEqual(journal.pendingStates().map(({ text }) => text), [first!.text, "three"]);
});

test("everything arrives once and in order, whatever gets lost, is restarted or reloaded", async () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) await checkDelivery(seed);
});

async function checkDelivery(seed: number): Promise<void> {
  const random = randomNumbers(seed);
  const server = new FakeServer();
  server.loses = () => choose(random, [null, null, null, "request", "answer"] as const);
  const { storage, journal: first } = started();
  let journal: Journal = first;
  let page = new Page(server);
  let sending = courier(journal, page);
  let made = 0;
  let events = 0;
  for (let step = 0; step < 400; step += 1) {
    const chance = random();
    if (chance < 0.6) {
      const length = [...journal.text()].length;
      const position = Math.floor(random() * (length + 1));
      journal.addChanges([change(position, Math.min(Math.floor(random() * 3), length - position), choose(random, ["a", "😀", "\n", ""]))], CURSOR);
      made += 1;
    } else if (chance < 0.7) {
      if (sending.isFailing) journal.dropLatestState();
      journal.addState(state(journal.text(), journal.timestep + 1));
    }
    else if (chance < 0.75) {
      journal.addActivity([step, "focus", {}]);
      events += 1;
    } else if (chance < 0.8) server.restart();
    else if (chance < 0.85) {
      page.crash();
      await settled();
      journal = reloaded(storage);
      page = new Page(server);
      sending = courier(journal, page);
    } else {
      sending.send().catch(() => undefined);
      if (random() < 0.5) await settled();
    }
  }
  server.loses = () => null;
  journal.addState(state(journal.text(), journal.timestep + 1));
  await sending.end();
  checkDisk([...server.disk.values()], journal.text(), made, events, `seed ${seed}`);
}

function distinct(values: readonly unknown[]): number {
  return new Set(values.map((value) => JSON.stringify(value))).size;
}

// What was sent of a session that went on as another may be in both; never twice in one.
// Played one after the other, the sessions lead to the text; each change is in one of them.
function checkDisk(sessions: readonly RecordedOnDisk[], text: string, made: number, events: number, what: string): void {
  let before = "one\n";
  let count = 0;
  for (const session of sessions) {
    if (!session.ownStates.length && !session.changes.length) continue; // the answer to its start got lost
    assert.equal(session.ownStates[0]?.text, before, what);
    before = played(before, session.changes);
    count += session.changes.length;
  }
  assert.equal(before, text, what);
  assert.equal(count, made, what);
  assert.equal(sessions.at(-1)?.ownStates.at(-1)?.text, text, what);
  for (const session of sessions) assert.equal(distinct(session.events), session.events.length, what);
  const recorded = distinct(sessions.flatMap((session) => session.events));
  assert.ok(recorded >= events * 0.5 && recorded <= events, `${what}: ${recorded} of ${events} events`);
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => { setImmediate(resolve); });
}

test("after a restart of the server what it has is not sent again, and what it has not is marked as restored", async () => {
  const server = new FakeServer();
  const { journal } = started();
  const sending = courier(journal, server);
  journal.addChanges([change(0, 0, "a"), change(1, 0, "b")], CURSOR);
  await sending.send();
  server.loses = (path) => (path.endsWith("changes") ? "answer" : null);
  journal.addChanges([change(2, 0, "c")], CURSOR);
  sending.send().catch(() => undefined);
  await settled();
  server.restart();
  journal.addChanges([change(3, 0, "d", "paste")], CURSOR);
  server.loses = () => null;
  await sending.send();
  const [before, after] = [...server.disk.values()];
  assert.deepEqual(before?.changes.map((each) => each[3]), ["a", "b", "c"]);
  assert.deepEqual(after?.changes.map((each) => [each[3], each[4]]), [["d", "restored"]]);
  assert.equal(after?.ownStates[0]?.text, "abcone\n");
});

test("an answer of a session that was left says nothing about the one after it", async () => {
  const server = new FakeServer();
  const { journal } = started();
  let answerLate = () => {};
  const late = new Promise<void>((resolve) => { answerLate = resolve; });
  const post: Post = async (path, body) => {
    const answer = await server.post<never>(path, body);
    if (path.endsWith("session-0/changes")) await late;
    return answer;
  };
  const sending = new Courier(journal, { post, start: {}, delay: () => 0, report: () => undefined });
  await sending.sendStates();
  journal.addChanges([change(0, 0, "a"), change(1, 0, "b")], CURSOR);
  sending.send().catch(() => undefined);
  await settled();
  server.restart();
  journal.addChanges([change(2, 0, "c"), change(3, 0, "d"), change(4, 0, "e")], CURSOR);
  journal.addState(state(journal.text(), 1));
  sending.sendStates().catch(() => undefined);
  await settled();
  answerLate();
  await sending.send();
  const [before, after] = [...server.disk.values()];
  assert.deepEqual([before?.changes.length, after?.changes.map((each) => each[3])], [2, ["c", "d", "e"]]);
});

test("a refusal that lasts is reported and not repeated", async () => {
  const server = new FakeServer();
  const reports: string[] = [];
  const { journal } = started();
  const refusing = courier(journal, Object.assign(server, { post: () => Promise.reject(new RefusedError(403, "no")) }), reports);
  await assert.rejects(refusing.send());
  assert.deepEqual([...new Set(reports)], ["true: no"]);
});
