// What the person works on: a problem, a file or a scratch text, its editor, its recorded session, the assistant.
// Views come and go; this stays as long as the tab, and the next tab goes on with what this one left.
import { EditorView } from "@codemirror/view";
import { ask } from "./api/client";
import type { ProblemMessage } from "./api/messages";
import { Assistant } from "./assistant/assistant";
import { DocumentClipboard } from "./editor/clipboard";
import { countCharacters, fileText, replaceFile } from "./editor/coordinates";
import { createEditor, type FileSelection } from "./editor/editor";
import { originAnnotation } from "./editor/origins";
import { count } from "./format";
import { notify, reporting } from "./notices";
import { Journal } from "./recording/journal";
import { type DocumentAbout, finish, isSameDocument, loadJournal, storedJournals } from "./recording/left-open";
import { Ownership } from "./recording/ownership";
import { RecordingStatus } from "./recording/recording-status";
import { RecordedSession } from "./recording/session";
import { address, parseRoute } from "./router";
import { changeSettings, settings } from "./settings/settings";
import { Store } from "./store";

/** What to open. */
export interface TextToOpen {
  title: string;
  fileName: string;
  text: string;
  problem?: ProblemMessage | null;
  /** Path of a file of the person's own, from its folder. */
  filePath?: string | null;
  /** In which that file lies. */
  folder?: string | null;
  /** Of that file's content; null: it is none. */
  revision?: string | null;
}

/** How a text came to be open: as it was asked for, as it was left, or not at all, since another tab has it. */
export type Opening = "new" | "goes on" | "elsewhere";

export interface OpenDocument {
  title: string;
  fileName: string;
  /** null: a file of the person's own, or a scratch text. */
  problem: ProblemMessage | null;
  filePath: string | null;
  /** In which that file lies; null: it is none, or that is unknown. */
  folder: string | null;
  view: EditorView;
  session: RecordedSession;
}

/** Something that another tab left open. */
export interface Unfinished {
  key: string;
  title: string;
  fileName: string;
  problem: ProblemMessage | null;
  filePath: string | null;
  folder: string | null;
  /** Milliseconds since 1970. */
  touched: number;
}

/** What was asked for here and is open in another tab. */
export interface Elsewhere {
  key: string;
  title: string;
  problem: ProblemMessage | null;
  filePath: string | null;
}

const SCRATCH_ID = "scratch";
const FILE_ID = "file";
const RECENT_MS = 12 * 60 * 60 * 1000; // so long a text that another tab left is opened without a question
const BEGUN_MS = 2000;
const MOST_JOURNALS = 20;
const LEAVING_MS = 300; // in which a tab that closes has gone

export class Workspace {
  readonly document = new Store<OpenDocument | null>(null);
  readonly #status = new RecordingStatus();
  readonly recordingSign = this.#status.sign;
  /** What tabs that are closed left open, the latest first. */
  readonly unfinished = new Store<readonly Unfinished[]>([]);
  /** What another tab has, here in place of its editor; null: nothing. */
  readonly elsewhere = new Store<Elsewhere | null>(null);
  readonly assistant = new Assistant();
  #opening: Promise<void>; // one after the other
  readonly #ownership = new Ownership((key) => void this.#afterwards(() => this.#handOver(key)));

  constructor() {
    addEventListener("pagehide", () => this.#leave());
    addEventListener("online", () => this.document.value?.session.retry());
    addEventListener("beforeunload", (event) => this.#guard(event));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") void this.document.value?.session.flush();
    });
    this.#opening = this.#restore().catch(() => undefined);
  }

  /** Opens a text, or what was left of it, if a tab that is closed had it open. */
  openText(text: TextToOpen): Promise<Opening> {
    return this.#afterwards(() => this.#openText(text));
  }

  async #openText(opened: TextToOpen): Promise<Opening> {
    const { title, fileName, text, problem = null, filePath = null, folder = null, revision = null } = opened;
    const problemId = problem?.task_id ?? (filePath === null ? SCRATCH_ID : FILE_ID);
    const about: DocumentAbout = { title, fileName, problem, filePath, folder, problemId };
    const { value: open } = this.document;
    if (isOf(open, about)) {
      if (open) followDisk(open, opened);
      return "goes on";
    }
    if (open && open.filePath !== null && open.filePath === filePath && !open.session.isSaved) { // of another folder
      await this.#setAside();
      await this.#listUnfinished();
    }
    await this.close();
    const left = await this.#takeLeft(about);
    if (this.elsewhere.value) return "elsewhere";
    if (left !== null) {
      await this.#open(left, opened);
      return "goes on";
    }
    const journal = Journal.begin(localStorage, crypto.randomUUID(), about, text);
    if (filePath !== null) journal.noteSaved(revision);
    await this.#open(journal);
    return "new";
  }

  openProblem(problem: ProblemMessage): Promise<Opening> {
    return this.openText({ title: problem.title || problem.task_id, fileName: "solution.py", text: problem.starter_code, problem });
  }

  openScratch(text = ""): Promise<Opening> {
    return this.openText({ title: "Scratch", fileName: "scratch.py", text });
  }

  /** Takes what is elsewhere from the tab that has it. Where that has ended it meanwhile, nothing is open. */
  takeOver(): Promise<void> {
    return this.#afterwards(async () => {
      const { value } = this.elsewhere;
      if (value === null) return;
      await this.#ownership.takeOver(value.key);
      this.elsewhere.set(null);
      const journal = loadJournal(value.key);
      if (journal === null || journal.isEnding) await this.#ownership.letGo()();
      else await this.#open(journal);
    });
  }

  /** Another tab has asked to go on with a document: everything of it is in its journal then, or it stays here. */
  async #handOver(key: string): Promise<void> {
    const open = this.document.value;
    if (open === null || !this.#ownership.has(key) || !open.session.isKept) return;
    const { title, problem, filePath } = open;
    this.elsewhere.set({ key, title, problem, filePath });
    await this.#setAside();
  }

  // It can be gone on with, here or in another tab.
  async #setAside(): Promise<void> {
    const open = this.document.value;
    if (open === null) return;
    this.assistant.close();
    open.session.handOver(open.view.state);
    const release = this.#letGo();
    this.#status.leave(open.session);
    open.view.destroy();
    await release();
  }

  // Nothing is open here any more. Returns what gives the journal's lock back.
  #letGo(): () => Promise<void> {
    this.document.set(null);
    return this.#ownership.letGo();
  }

  /** Goes on with something of `unfinished`. */
  goOn(key: string): Promise<void> {
    return this.#afterwards(() => this.#goOn(key));
  }

  async #goOn(key: string): Promise<void> {
    await this.close();
    const journal = await this.#ownership.take(key) ? loadJournal(key) : null;
    if (journal === null) {
      await this.#ownership.letGo()();
      throw new Error("it is open in another tab");
    }
    await this.#open(journal);
  }

  /** Ends the session of something of `unfinished`; its recording stays, its text is not offered again. */
  async discard(key: string): Promise<void> {
    await this.#ownership.borrow(key, () => finish(key));
    await this.#listUnfinished();
  }

  /** Ends the session of what is open. isLast: the server ends too. */
  async close({ isLast = false } = {}): Promise<void> {
    this.elsewhere.set(null);
    const open = this.document.value;
    if (open === null) return;
    const { session, view } = open;
    this.assistant.close();
    const release = this.#letGo();
    const hasEnded = await session.end(view.state, () => void release());
    this.#status.leave(session);
    view.destroy();
    if (hasEnded) tellRecorded(session, isLast);
    else notify("The session could not be ended yet. It is kept in this browser, and sent when the server answers.");
  }

  /** A document's text with so many changes was saved as the person's file. */
  noteSaved({ session }: OpenDocument, revision: string, changes: number): void {
    session.noteSaved(revision, changes);
    if (this.document.value?.session === session) this.assistant.noteBoundary();
  }

  #afterwards<Result>(open: () => Promise<Result>): Promise<Result> {
    const opening = this.#opening.then(open);
    this.#opening = opening.then(() => undefined, () => undefined);
    return opening;
  }

  // opened: as it was asked for, where an earlier session of it goes on.
  async #open(journal: Journal<DocumentAbout>, opened: TextToOpen | null = null): Promise<void> {
    const { about } = journal;
    const clipboard = new DocumentClipboard();
    const session = new RecordedSession({
      journal, clipboard, post: ask, onLargePaste: () => this.#tellOfPaste(session), report: (reason, isLasting) => this.#status.report(session, reason, isLasting),
    });
    this.#status.follow(session);
    const view = createEditor({
      text: journal.text(), fileName: about.fileName, label: `Code of ${about.title}`, selection: journal.selection ?? startOf(about, journal.text()),
      extensions: [clipboard.extension, session.extension, this.assistant.extension],
    });
    const { title, fileName, problem, filePath, folder = null } = about;
    if (!this.#ownership.isHeld) await this.#ownership.take(journal.key);
    this.#ownership.noteOpen(journal.key);
    session.begin(view.state);
    await session.untilBegun(BEGUN_MS);
    if (opened !== null) followDisk({ view, session }, opened);
    this.assistant.open({ view, session, fileName });
    this.#status.noteBegun(session);
    this.unfinished.set(this.unfinished.value.filter(({ key }) => key !== journal.key));
    this.document.set({ title, fileName, problem, filePath, folder, view, session });
  }

  // After a reload, and after a crash, at once; what is older is offered.
  async #restore(): Promise<void> {
    const stored = storedJournals();
    const isReload = stored.some(({ key }) => this.#ownership.wasOpenHere(key));
    for (const [place, { key, about, isEnding, touched }] of stored.entries()) {
      const isOver = isEnding || place >= MOST_JOURNALS;
      const mayGoOn = mayShow(about) && (isReload ? this.#ownership.wasOpenHere(key) : Date.now() - touched < RECENT_MS);
      if (isOver) void this.#ownership.borrow(key, () => finish(key)).catch(() => undefined); // what is refused now is sent next time
      else if (mayGoOn && !this.#ownership.isHeld) await this.#goOnAtStart(key);
    }
    await this.#listUnfinished();
  }

  async #goOnAtStart(key: string): Promise<void> {
    const journal = await this.#ownership.take(key) ? loadJournal(key) : null; // as the page before has left it
    if (journal) await this.#open(journal);
    else await this.#ownership.letGo()();
  }

  async #listUnfinished(): Promise<void> {
    const list: Unfinished[] = [];
    for (const { key, about, touched, isEnding } of storedJournals()) {
      if (isEnding || this.#ownership.has(key)) continue;
      const isFree = await this.#ownership.borrow(key, () => true);
      const { title, fileName, problem, filePath, folder = null } = about;
      if (isFree) list.push({ key, title, fileName, problem, filePath, folder, touched });
    }
    this.unfinished.set(list);
  }

  // The journal of a closed tab that had the same document open, locked for this one; null where an open tab has it, which `elsewhere` tells.
  async #takeLeft(about: DocumentAbout): Promise<Journal<DocumentAbout> | null> {
    const left = storedJournals().filter((journal) => !journal.isEnding && isSameDocument(journal.about, about));
    for (const { key } of [...left].reverse()) { // the latest stays
      if (await this.#ownership.take(key, LEAVING_MS)) continue;
      this.elsewhere.set({ key, title: about.title, problem: about.problem, filePath: about.filePath });
      await this.#ownership.letGo()();
      return null;
    }
    const [latest] = left;
    const journal = latest && Journal.load<DocumentAbout>(localStorage, latest.key);
    if (journal && !journal.isEnding) return journal;
    await this.#ownership.letGo()(); // the tab that had it has ended it meanwhile
    return null;
  }

  #tellOfPaste(session: RecordedSession): void {
    if (settings.value.learn_pastes) return;
    const include = reporting(async () => {
      await changeSettings({ learn_pastes: true });
      session.includePastes();
    });
    notify("A large paste is left out of learning", false, { label: "Include large pastes", run: () => void include() });
  }

  #leave(): void {
    const open = this.document.value;
    open?.session.leave(open.view.state);
  }

  // Only if something would be lost that is neither on the server, nor in this browser, nor in the person's file.
  #guard(event: BeforeUnloadEvent): void {
    const session = this.document.value?.session;
    if (session && !session.isKept && !session.isAcknowledged) event.preventDefault();
  }
}

/** Where the cursor is at first: behind a problem's starter code, at the beginning of a file. */
function startOf({ problem }: DocumentAbout, text: string): FileSelection {
  const place = problem === null ? 0 : countCharacters(text);
  return { anchor: place, head: place };
}

/** Goes on from the person's file as it is on the disk now, unless there is text that was not saved in it. */
function followDisk({ view, session }: Pick<OpenDocument, "view" | "session">, { text, filePath, revision = null }: TextToOpen): void {
  if (typeof filePath !== "string") return;
  if (!session.isSaved && fileText(view.state) !== text) {
    notify("Your changes that were not saved are back");
    return;
  }
  replaceText(view, text);
  session.noteSaved(revision);
}

function replaceText(view: EditorView, text: string): void {
  const change = replaceFile(view.state, text);
  if (change) view.dispatch({ ...change, annotations: originAnnotation.of("opened") });
}

// One quiet word at its end.
function tellRecorded({ id, changeCount }: RecordedSession, isLast: boolean): void {
  if (changeCount === 0) return;
  const links = isLast ? [] : [{ label: "Replay", href: address("sessions", id) }, { label: "Train now", href: address("learning") }];
  notify(`Recorded: ${count(changeCount)} ${changeCount === 1 ? "change" : "changes"}`, false, null, links);
}

// Whether the address asks for this document, or for none.
function mayShow({ problem, filePath }: DocumentAbout): boolean {
  const { view, rest } = parseRoute(location.hash);
  if (view === "file") return rest === filePath;
  return view !== "solve" || !rest || rest === problem?.task_id;
}

function isOf(open: OpenDocument | null, about: DocumentAbout): boolean {
  return open !== null && isSameDocument({ ...open, problemId: open.problem?.task_id ?? about.problemId }, about);
}

export const workspace = new Workspace();
