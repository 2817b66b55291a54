// What the person works on: a problem, a file or a scratch text, its editor, its recorded session, the assistant.
// Views come and go; this stays as long as the tab, and the next tab goes on with what this one left.
import { EditorView } from "@codemirror/view";
import { ask } from "./api/client";
import { errorText } from "./api/errors";
import type { ProblemMessage } from "./api/messages";
import { Assistant } from "./assistant/assistant";
import { DocumentClipboard } from "./editor/clipboard";
import { countCharacters, fileText, replaceFile } from "./editor/coordinates";
import { createEditor, type FileSelection } from "./editor/editor";
import { originAnnotation } from "./editor/origins";
import { count } from "./format";
import { notify, reporting } from "./notices";
import { Journal } from "./recording/journal";
import { type DocumentAbout, documentName, finish, isSameDocument, loadJournal, storedJournals } from "./recording/left-open";
import { Ownership } from "./recording/ownership";
import { RecordingStatus } from "./recording/recording-status";
import { RecordedSession } from "./recording/session";
import type { ReceivedWish, Refusal } from "./recording/tabs";
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

export interface OpenDocument extends DocumentAbout {
  /** Of its journal: the same as long as it is open, whatever the server calls its session. */
  key: string;
  /** In which the file lies; null: it is none, or that is unknown. */
  folder: string | null;
  view: EditorView;
  session: RecordedSession;
}

/** Something that another tab left open. */
export interface Unfinished extends DocumentAbout {
  key: string;
  folder: string | null;
  /** Milliseconds since 1970. */
  touched: number;
}

const SCRATCH_ID = "scratch";
const FILE_ID = "file";
const RECENT_MS = 12 * 60 * 60 * 1000; // so long a text that another tab left is opened without a question
const BEGUN_MS = 2000;
const MOST_JOURNALS = 20;
const LEAVING_MS = 300; // in which a tab that closes has gone
const STARTED_MS = 2000; // in which the server begins a session

const CANNOT_SET_ASIDE: Record<Refusal, string> = {
  "slow server": "the server is slow: try again in a moment",
  "full storage": "this browser has no room to keep them: save them first",
};

export class Workspace {
  readonly document = new Store<OpenDocument | null>(null);
  readonly #status = new RecordingStatus(() => ask("/api/backend/test-queue/status").then(() => null, errorText));
  readonly recordingSign = this.#status.sign;
  /** What tabs that are closed left open, the latest first. */
  readonly unfinished = new Store<readonly Unfinished[]>([]);
  /** What another tab records, here in place of its editor; null: nothing. */
  readonly elsewhere = new Store<DocumentAbout | null>(null);
  readonly assistant = new Assistant();
  #opening: Promise<void>; // one after the other
  readonly #ownership = new Ownership((wish) => void this.#afterwards(() => this.#handOver(wish)));

  constructor() {
    addEventListener("pagehide", () => this.#leave());
    addEventListener("online", () => this.document.value?.session.retry());
    addEventListener("beforeunload", (event) => this.#guard(event));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") void this.document.value?.session.flush();
    });
    this.#opening = this.#restore().catch(() => undefined).then(() => this.#listUnfinished()).catch(() => undefined);
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
    if (open && isSameDocument(open, about)) {
      followDisk(open, opened);
      return "goes on";
    }
    if (open && open.filePath !== null && open.filePath === filePath && !open.session.isSaved) { // of another folder
      const refusal = await this.#setAside(open);
      if (refusal !== null) throw new Error(`${open.title} of ${open.folder} is open and has changes that are not saved; ${CANNOT_SET_ASIDE[refusal]}`);
      await this.#listUnfinished();
    }
    await this.close();
    if (!(await this.#ownership.take(documentName(about), LEAVING_MS))) {
      this.elsewhere.set(about);
      return "elsewhere";
    }
    const journalToGoOn = await this.#takeLeft(about);
    if (journalToGoOn !== null) {
      await this.#open(journalToGoOn, opened);
      return "goes on";
    }
    const journal = Journal.begin(localStorage, crypto.randomUUID(), about, text);
    if (filePath !== null) journal.noteSaved(revision);
    await this.#ownership.takeJournal(journal.key);
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
      const { value: about } = this.elsewhere;
      if (about === null) return;
      await this.#ownership.takeOver(documentName(about));
      this.elsewhere.set(null);
      const journal = await this.#takeLeft(about);
      if (journal === null) await this.#ownership.release();
      else await this.#open(journal);
    });
  }

  /** Another tab has asked to go on with a document: everything of it is in its journal then, or it stays here. */
  async #handOver(wish: ReceivedWish): Promise<void> {
    const open = this.document.value;
    if (open === null || !this.#ownership.has(wish.document) || wish.isOver()) return;
    const refusal = await this.#setAside(open, wish);
    if (refusal !== null) wish.answer(refusal);
  }

  // It can be gone on with, here or in the tab whose wish it is. Why it stays open instead; null: it does not.
  async #setAside(open: OpenDocument, wish: ReceivedWish | null = null): Promise<Refusal | null> {
    const { session, view, key: _, ...about } = open;
    if (!(await session.isStartAnswered(STARTED_MS)) || wish?.isOver()) return "slow server";
    if (this.document.value !== open) return null; // it was closed meanwhile
    if (!session.store(view.state)) return "full storage";
    this.assistant.close();
    session.handOver();
    this.document.set(null);
    if (wish !== null) this.elsewhere.set(about);
    this.#status.leave(session);
    view.destroy();
    await this.#ownership.release(wish);
    return null;
  }

  /** Goes on with something of `unfinished`. */
  goOn(key: string): Promise<void> {
    return this.#afterwards(() => this.#goOn(key));
  }

  async #goOn(key: string): Promise<void> {
    await this.close();
    const journal = await this.#takeStored(key, LEAVING_MS);
    if (journal !== null) return this.#open(journal);
    await this.#listUnfinished();
    throw new Error("it is open in another tab");
  }

  /** Ends the session of something of `unfinished`; its recording stays, its text is not offered again. */
  async discard(key: string): Promise<void> {
    await this.#ownership.borrowJournal(key, () => finish(key));
    await this.#listUnfinished();
  }

  /** Ends the session of what is open. isLast: the server ends too. */
  async close({ isLast = false } = {}): Promise<void> {
    this.elsewhere.set(null);
    const open = this.document.value;
    if (open === null) return;
    const { session, view } = open;
    this.assistant.close();
    this.document.set(null);
    const locks = this.#ownership.letGo();
    const ending = session.end(view.state, () => void locks.journal?.release());
    void locks.document?.release();
    const hasEnded = await ending;
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
    this.#ownership.noteOpen(journal.key);
    session.begin(view.state);
    await session.untilBegun(BEGUN_MS);
    if (opened !== null) followDisk({ view, session }, opened);
    this.assistant.open({ view, session, fileName: about.fileName });
    this.#status.noteBegun(session);
    this.unfinished.set(this.unfinished.value.filter(({ key }) => key !== journal.key));
    this.document.set({ ...about, key: journal.key, folder: about.folder ?? null, view, session });
  }

  // After a reload, and after a crash, at once; what is older is offered.
  async #restore(): Promise<void> {
    const stored = storedJournals();
    const isReload = stored.some(({ key }) => this.#ownership.wasOpenHere(key));
    for (const [place, { key, about, isEnding, touched }] of stored.entries()) {
      const isOver = isEnding || place >= MOST_JOURNALS;
      const mayGoOn = mayShow(about) && (isReload ? this.#ownership.wasOpenHere(key) : Date.now() - touched < RECENT_MS);
      if (isOver) void this.#ownership.borrowJournal(key, () => finish(key)).catch(() => undefined); // what is refused now is sent next time
      else if (mayGoOn && !this.#ownership.isHeld) {
        const journal = await this.#takeStored(key);
        if (journal) await this.#open(journal);
      }
    }
  }

  // As its tab has left it, this one's now; null: another tab has it, or its document.
  async #takeStored(key: string, waitMs = 0): Promise<Journal<DocumentAbout> | null> {
    const stored = storedJournals().find((journal) => journal.key === key);
    if (stored === undefined || !(await this.#ownership.takeBoth(documentName(stored.about), key, waitMs))) return null;
    const journal = loadJournal(key);
    if (journal === null || journal.isEnding) await this.#ownership.release();
    return journal === null || journal.isEnding ? null : journal;
  }

  /** Looks again what is left open: tabs close meanwhile. */
  listUnfinished(): Promise<void> {
    return this.#afterwards(() => this.#listUnfinished());
  }

  async #listUnfinished(): Promise<void> {
    const journals = storedJournals().filter(({ isEnding }) => !isEnding);
    const freeKeys = await this.#ownership.free(journals.map(({ key }) => key));
    this.unfinished.set(journals.filter(({ key }) => freeKeys.includes(key)).map(({ key, about, touched }) => (
      { ...about, folder: about.folder ?? null, key, touched })));
  }

  // The latest journal that a closed tab has left of this tab's document, this tab's now; null: there is none.
  async #takeLeft(about: DocumentAbout): Promise<Journal<DocumentAbout> | null> {
    for (const { key, isEnding, about: other } of storedJournals()) {
      if (isEnding || !isSameDocument(other, about) || !(await this.#ownership.takeJournal(key, LEAVING_MS))) continue;
      const journal = loadJournal(key);
      if (journal && !journal.isEnding) return journal; // else its tab has ended it meanwhile
    }
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

export const workspace = new Workspace();
