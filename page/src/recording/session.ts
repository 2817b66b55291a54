// One recorded session of an editor: keystrokes as they come, a state once a round, what the person did beside typing.
// Not here: what survives a reload (`journal`), how it is sent (`courier`).
import type { EditorState, Extension, Text, Transaction } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { fileChanges } from "../editor/changes";
import type { DocumentClipboard } from "../editor/clipboard";
import { filePosition, fileText } from "../editor/coordinates";
import type { FileSelection } from "../editor/editor";
import { originOf } from "../editor/origins";
import type { SpecialFlag } from "./attribution";
import { Courier, type Post, type ReportRecording } from "./courier";
import type { Journal, RecordedAction, StateMessage } from "./journal";
import { after } from "../timing";

export type { ReportRecording } from "./courier";
export type { RecordedAction } from "./journal";

const FLUSH_MS = 400;
const SELECTION_MS = 250;
const LEAST_PAUSE_MS = 2000;
const MOST_RANGES = 100;
const ENDING_MS = 3000;

/** What the session is of, as the journal keeps it. */
export interface SessionAbout {
  problemId: string;
  /** Path of the person's own file; null: it is none. */
  filePath: string | null;
  /** Whole path of the folder in which it lies; null: it is none, or that is unknown. */
  folder?: string | null;
}

export interface SessionOptions {
  journal: Journal<SessionAbout>;
  clipboard: DocumentClipboard;
  report: ReportRecording;
  /** Called when a large text is pasted, not when it is pasted again by redo. */
  onLargePaste?: () => void;
  post: Post;
}

export class RecordedSession {
  posted: StateMessage | null = null;
  lastMover: "person" | "assistant" | null = null;
  readonly #journal: Journal<SessionAbout>;
  readonly #courier: Courier;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #selectionTimer: ReturnType<typeof setTimeout> | undefined;
  #movedSelection: EditorState | null = null; // with a selection that is not noted yet
  #latestChange = 0;
  #document: Text | null = null; // as the changes so far leave it; null: none was made
  #selection = "";

  constructor(private readonly options: SessionOptions) {
    const { journal, report, post } = options;
    this.#journal = journal;
    this.#courier = new Courier(journal, { post, report, start: startOfSession(journal.about) });
  }

  /** The server's name of it; "": the server has not begun it. */
  get id(): string { return this.#journal.session ?? ""; }

  get timestep(): number { return this.#journal.timestep; }

  /** Whether everything is kept in this browser until the server has it. */
  get isKept(): boolean { return this.#journal.isKept; }

  /** Whether the server has everything. */
  get isAcknowledged(): boolean { return this.#journal.isAcknowledged; }

  /** What it follows of an editor. */
  get extension(): Extension {
    return EditorView.updateListener.of(({ transactions, focusChanged, view }) => {
      for (const transaction of transactions) this.noteTransaction(transaction);
      if (focusChanged) this.noteActivity(view.hasFocus ? "focus" : "blur");
    });
  }

  /** Begins with the text as it is, or goes on where the journal ends. */
  begin(state: EditorState): void {
    if (this.#journal.timestep < 0) void this.postState(state, null);
    void this.flush();
  }

  /** Resolves once the server has begun it, or after so long. */
  async untilBegun(ms: number): Promise<void> {
    await Promise.race([this.#courier.sendStates().catch(() => undefined), after(ms)]);
  }

  /** Whether the editor holds what was posted last. */
  isPosted(state: EditorState): boolean {
    return this.#journal.posted === fileText(state);
  }

  /** Notes what a transaction did to the text and to the selection. */
  noteTransaction(transaction: Transaction): void {
    if (transaction.docChanged) this.#noteChanges(transaction);
    else if (transaction.selection) this.#noteSelection(transaction.state);
  }

  /** Notes something that the person did beside typing. */
  noteActivity(kind: string, detail: Record<string, unknown> = {}): void {
    if (this.#journal.isEnding) return; // the editor loses the focus when it goes
    this.#journal.addActivity([Date.now(), kind, detail]);
    this.#flushSoon();
  }

  /** How many changes there are so far. */
  get changeCount(): number { return this.#journal.next; }

  /** Whether the text is that of the person's file as it was opened or saved last. */
  get isSaved(): boolean { return this.#journal.isSaved; }

  /** Of the content of the person's file that the text is based on, over reloads; null: unknown. */
  get revision(): string | null { return this.#journal.revision; }

  /** The text with so many changes is the content of the person's file. */
  noteSaved(revision: string | null, changes = this.changeCount): void { this.#journal.noteSaved(revision, changes); }

  /** Large pastes so far are learned from all the same. */
  includePastes(): void { this.#journal.unmark("paste"); }

  flush(): Promise<void> {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    return quiet(this.#courier.send());
  }

  /** Sends at once what waits for a connection. */
  retry(): void { this.#courier.retry(); }

  /** The person's state (action null) or the assistant's. Resolves once it is on the server's disk. */
  postState(state: EditorState, action: RecordedAction | null): Promise<void> {
    this.#addState(state, action);
    return quiet(this.#courier.sendStates());
  }

  /** Ends it. What cannot be sent in a few seconds stays in this browser, and is sent in the background. */
  async end(state: EditorState, onEnded: () => void): Promise<boolean> {
    this.#stopTimers();
    if (!this.isPosted(state)) this.#addState(state, null);
    this.#journal.noteEnding();
    const ending = this.#courier.end().then(() => this.#journal.remove()).finally(onEnded);
    ending.catch(() => undefined);
    return Promise.race([ending.then(() => true, () => false), after(ENDING_MS).then(() => false)]);
  }

  /** The tab may close: what is not sent goes now; the session stays open, so that a reload goes on with it. */
  leave(state: EditorState): void {
    this.store(state);
    this.#courier.leave();
  }

  /** Whether the server has answered, within so long, the request to begin it, if one is under way. */
  isStartAnswered(ms: number): Promise<boolean> { return this.#courier.isStartAnswered(ms); }

  /** Notes in the journal all that there is to go on from. Whether it is kept in this browser. */
  store(state: EditorState): boolean {
    this.#journal.noteSelection(selectionOf(state));
    if (!this.isPosted(state)) this.#addState(state, null);
    return this.isKept;
  }

  /** Another tab goes on with it, from the journal as it was stored. */
  handOver(): void {
    this.#stopTimers();
    this.#courier.stop();
    this.#journal.close();
  }

  #noteChanges(transaction: Transaction): void {
    this.#settleSelection(); // it is one of the text before
    this.#document = transaction.newDoc;
    const now = Date.now();
    const origin = originOf(transaction);
    const isLargePaste = this.options.clipboard.isLargePaste(transaction);
    const flags: SpecialFlag[] = [...(origin === "undo" ? ["undo" as const] : []), ...(isLargePaste ? ["paste" as const] : [])];
    const done = this.#journal.attribution.note(transaction, {
      by: origin === "assistant" ? "assistant" : "human", turn: this.timestep + 1, flags,
      seconds: Math.round((now - this.#journal.opened) / 1000),
    });
    if (this.#latestChange && now - this.#latestChange >= LEAST_PAUSE_MS && origin !== "assistant") {
      this.#journal.addActivity([now, "pause", { ms: now - this.#latestChange }]);
    }
    this.#latestChange = now;
    const changes = fileChanges(transaction);
    this.#journal.addChanges(changes.map(({ position, deleted, inserted }) => [now, position, deleted, inserted, origin]), selectionOf(transaction.state), done);
    this.#selection = JSON.stringify(selectionOf(transaction.state));
    this.#flushSoon();
    if (isLargePaste && origin !== "redo") this.options.onLargePaste?.();
  }

  // The cursor moves with every change; noted is where the person puts it.
  #noteSelection(state: EditorState): void {
    clearTimeout(this.#selectionTimer);
    this.#movedSelection = state;
    this.#selectionTimer = setTimeout(() => this.#settleSelection(), SELECTION_MS);
  }

  #settleSelection(): void {
    clearTimeout(this.#selectionTimer);
    const state = this.#movedSelection;
    this.#movedSelection = null;
    if (state === null) return;
    const selection = selectionOf(state);
    const text = JSON.stringify(selection);
    if (text === this.#selection && state.selection.ranges.length === 1) return;
    this.#selection = text;
    this.#journal.noteSelection(selection);
    const { ranges, main } = state.selection;
    const ordered = [main, ...ranges.filter((range) => range !== main)].slice(0, MOST_RANGES);
    this.noteActivity("selection", { ranges: ordered.map(({ anchor, head }) => [filePosition(state, anchor), filePosition(state, head)]) });
  }

  #addState(state: EditorState, action: RecordedAction | null): void {
    // While nothing is sent, a later state of the person's takes the place of the one that waits.
    if (action === null && this.#courier.isFailing) this.#journal.dropLatestState();
    const timestep = this.timestep + 1;
    const turn = action === null ? timestep : this.#journal.turn;
    const message: StateMessage = {
      text: fileText(state), timestep, timestamp_ms: Date.now(), action, attribution: this.#journal.attribution.entries(state, turn, timestep),
    };
    this.#journal.addState(message, this.#document === null || this.#document.eq(state.doc));
    this.lastMover = action === null ? "person" : "assistant";
    this.posted = message;
  }

  #flushSoon(): void {
    this.#flushTimer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  #stopTimers(): void {
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#selectionTimer);
  }
}

/** With which a session begins at the server. */
export function startOfSession({ problemId, filePath, folder = null }: SessionAbout): Record<string, unknown> {
  return { problem_id: problemId, ...(filePath === null ? {} : { file: filePath, ...(folder === null ? {} : { folder }) }) };
}

function selectionOf(state: EditorState): FileSelection {
  const { anchor, head } = state.selection.main;
  return { anchor: filePosition(state, anchor), head: filePosition(state, head) };
}

// What fails is reported by the courier.
function quiet(work: Promise<void>): Promise<void> {
  return work.catch(() => undefined);
}
