import assert from "node:assert/strict";
import { test } from "node:test";
import { EditorState, type TransactionSpec } from "@codemirror/state";
import { DocumentClipboard } from "../src/editor/clipboard";
import { openFile } from "../src/editor/coordinates";
import { originAnnotation } from "../src/editor/origins";
import type { Post } from "../src/recording/courier";
import { Journal } from "../src/recording/journal";
import { RecordedSession, type SessionAbout } from "../src/recording/session";
import type { LineEntry } from "../src/recording/attribution";
import { FakeServer, FakeStorage } from "./fakes";
import { choose, randomNumbers, randomText } from "./random";

const LARGE = "pasted = 1\n".repeat(6);
const NEVER: Post = () => new Promise(() => undefined);

/** An editor that is recorded, in a page that may be loaded again. */
class Recorded {
  readonly storage = new FakeStorage();
  readonly server = new FakeServer();
  state: EditorState;
  journal: Journal<SessionAbout>;
  session: RecordedSession;
  #isLoaded = true;
  readonly #extension;

  constructor(text: string, about: SessionAbout = { problemId: "p", filePath: null }) {
    const { doc, extension } = openFile(text);
    this.#extension = extension;
    this.state = EditorState.create({ doc, extensions: extension });
    this.journal = Journal.begin(this.storage, "k", about, text);
    this.session = this.#record();
  }

  change(changes: NonNullable<TransactionSpec["changes"]>, more: TransactionSpec = {}): this {
    const transaction = this.state.update({ changes, ...more });
    this.session.noteTransaction(transaction);
    this.state = transaction.state;
    return this;
  }

  select(anchor: number, head = anchor): this {
    const transaction = this.state.update({ selection: { anchor, head } });
    this.session.noteTransaction(transaction);
    this.state = transaction.state;
    return this;
  }

  paste(insert = LARGE): this { return this.change({ from: 0, insert }, { userEvent: "input.paste" }); }

  /** The page crashes and is loaded again. */
  reload(): this {
    this.#isLoaded = false;
    this.journal = loaded(this.storage);
    this.state = EditorState.create({ doc: this.state.doc, extensions: this.#extension });
    this.session = this.#record();
    return this;
  }

  /** The server is killed, and started again. */
  async restart(): Promise<void> {
    this.server.restart();
    await this.session.flush();
  }

  /** Attribution of the latest state that the server has. */
  async posted(): Promise<LineEntry[]> {
    await this.session.postState(this.state, null);
    return [...this.server.disk.values()].at(-1)?.ownStates.at(-1)?.attribution ?? [];
  }

  #record(): RecordedSession {
    this.#isLoaded = true;
    const { journal, server } = this;
    const post: Post = <Answer>(path: string, body: unknown) => (this.#isLoaded && this.journal === journal ? server.post<Answer>(path, body) : NEVER<Answer>(path, body));
    const session = new RecordedSession({ journal, clipboard: new DocumentClipboard(), report: () => undefined, post });
    session.begin(this.state);
    return session;
  }
}

function loaded(storage: FakeStorage): Journal<SessionAbout> {
  const journal = Journal.load<SessionAbout>(storage, "k");
  assert.ok(journal);
  return journal;
}

function flagged(entries: readonly LineEntry[], turn?: number): number[] {
  return entries.flatMap(({ human }, i) => (human?.specialFlags.includes("paste") && (turn ?? human.turn) === human.turn ? [i] : []));
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => { setImmediate(resolve); });
}

const PASTED = [0, 1, 2, 3, 4, 5];

test("who edited each line is the same after a reload at any moment, with what it is marked with", async () => {
  for (const seed of [1, 2]) {
    const random = randomNumbers(seed);
    const recorded = new Recorded("a\r\nb\n\n😀\n");
    for (let step = 0; step < 300; step += 1) {
      const { doc } = recorded.state;
      const from = Math.floor(random() * (doc.length + 1));
      const to = Math.min(from + Math.floor(random() * 4), doc.length);
      const annotations = originAnnotation.of("assistant");
      if (random() < 0.02) recorded.paste();
      else recorded.change(choose(random, [{ from, to, insert: randomText(random, 3) }, [{ from, insert: "x" }, { from: to, insert: "y\n" }]]), random() < 0.2 ? { annotations } : {});
      if (random() < 0.1) void recorded.session.postState(recorded.state, null);
      if (random() < 0.1) await recorded.session.flush();
      if (random() < 0.02) recorded.session.includePastes();
      if (random() < 0.03) await recorded.restart();
      if (step % 5 === 0) assert.deepEqual(loaded(recorded.storage).attribution.lines, recorded.journal.attribution.lines, `seed ${seed}, step ${step}`);
      if (random() < 0.05) recorded.reload();
    }
    assert.equal(recorded.journal.text(), loaded(recorded.storage).text());
    recorded.reload();
  }
});

test("a large paste is marked in the next state, though the page crashed before it", async () => {
  const recorded = new Recorded("a = 1\n");
  await recorded.session.flush();
  recorded.paste().reload();
  const entries = await recorded.posted();
  assert.deepEqual(flagged(entries, recorded.session.timestep), PASTED);
});

test("after a reload lines still belong to who wrote them", async () => {
  const recorded = new Recorded("a = 1\n");
  recorded.change({ from: 6, insert: "b = 2\n" }, { annotations: originAnnotation.of("assistant") }).change({ from: 0, insert: "# mine\n" });
  const before = await recorded.posted();
  const after = await recorded.reload().posted();
  assert.deepEqual(after.map(({ human, assistant }) => [human, assistant]), before.map(({ human, assistant }) => [human, assistant]));
  assert.ok(after[0]?.human && after[2]?.assistant && !after[1]?.human);
});

test("a paste that the server has as keystrokes alone is marked in the first state of the session that goes on", async () => {
  for (const isStateLost of [false, true]) {
    const recorded = new Recorded("a = 1\n");
    await recorded.session.flush();
    if (isStateLost) {
      recorded.server.loses = (path) => (path.endsWith("state") ? "request" : null);
      void recorded.session.postState(recorded.state, null); // the turn of the paste is one later now
    }
    recorded.paste();
    void recorded.session.flush();
    await settled();
    recorded.server.restart();
    recorded.server.loses = () => null;
    recorded.change({ from: 0, insert: "# " });
    recorded.session.retry();
    await recorded.session.flush();
    const [before, after] = [...recorded.server.disk.values()];
    const first = after?.ownStates[0];
    assert.equal(before?.changes.length, 1);
    assert.deepEqual(flagged(first?.attribution ?? [], first?.timestep), PASTED);
  }
});

test("a paste that is restored is marked in its own state, whatever turn that is now", async () => {
  const recorded = new Recorded("a = 1\n");
  recorded.change({ from: 0, insert: "#" });
  await recorded.posted();
  recorded.server.loses = () => "request";
  recorded.paste();
  recorded.state = recorded.state.update({ selection: { anchor: 0 } }).state;
  void recorded.session.postState(recorded.state, null);
  recorded.server.restart();
  recorded.server.loses = () => null;
  recorded.session.retry();
  await recorded.session.flush();
  const [, after] = [...recorded.server.disk.values()];
  const latest = after?.ownStates.at(-1);
  assert.equal(after?.changes.at(-1)?.[4], "restored");
  assert.deepEqual(flagged(latest?.attribution ?? [], latest?.timestep), PASTED);
  assert.equal(latest?.attribution[0]?.cursor?.turn, latest?.timestep);
});

test("pastes that the person includes are not marked after a reload either", async () => {
  for (const isCompacted of [false, true]) {
    const recorded = new Recorded("a = 1\n").paste();
    if (isCompacted) for (let i = 0; i < 130; i += 1) recorded.change({ from: 0, insert: "x" });
    await recorded.session.flush();
    assert.ok(flagged(await recorded.posted()).length > 0);
    recorded.session.includePastes();
    assert.deepEqual(flagged(await recorded.reload().posted()), []);
  }
});

test("what is stored of the lines is bounded as the text is", async () => {
  const recorded = new Recorded("x\n".repeat(50));
  let early = 0;
  for (let i = 0; i < 1500; i += 1) {
    recorded.change({ from: i % 50, to: (i % 50) + (i % 2), insert: i % 2 ? "" : "y" });
    if (i % 20 === 0) await recorded.session.flush();
    if (i === 400) early = recorded.storage.size;
  }
  assert.ok(recorded.storage.size < 2 * early);
});

test("a session of the person's file names its folder, also when it goes on after the server was started again", async () => {
  const recorded = new Recorded("a\n", { problemId: "file", filePath: "a.py", folder: "/home/me/project" });
  await recorded.posted();
  await recorded.restart();
  recorded.change({ from: 0, insert: "#" });
  await recorded.posted();
  assert.equal(recorded.server.starts.length, 2);
  for (const { problem_id, file, folder } of recorded.server.starts) {
    assert.deepEqual([problem_id, file, folder], ["file", "a.py", "/home/me/project"]);
  }
});

test("a problem, and a file of a page that knew no folder, name none", async () => {
  for (const about of [{ problemId: "p", filePath: null, folder: "/x" }, { problemId: "file", filePath: "a.py" }]) {
    const recorded = new Recorded("a\n", about);
    await recorded.posted();
    assert.ok(recorded.server.starts.length === 1 && recorded.server.starts.every((start) => !("folder" in start)));
  }
});

test("a selection that is typed over at once is noted before that, and the cursor is where typing left it", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const recorded = new Recorded("a = 1\n");
  recorded.select(1, 4).select(0, 5).change({ from: 0, to: 5, insert: "b" }, { selection: { anchor: 1 } });
  context.mock.timers.tick(1000);
  assert.deepEqual(recorded.journal.pendingActivity().events.map(([, kind, detail]) => [kind, detail]), [["selection", { ranges: [[0, 5]] }]]);
  assert.deepEqual(recorded.journal.selection, { anchor: 1, head: 1 });
  context.mock.timers.reset();
});
