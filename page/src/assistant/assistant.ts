// The assistant at work in the open document: asks when it is the moment, puts what comes in its place, takes it back.
// Not here: when that is (`trigger`), what an edit changes (`hunks`), how it looks (`marks`), what it is called (`words`).
import { isolateHistory } from "@codemirror/commands";
import { ChangeSet, type ChangeDesc, Compartment, EditorState, type Extension, type Transaction } from "@codemirror/state";
import { EditorView, type ViewUpdate } from "@codemirror/view";
import { ask, RefusedError } from "../api/client";
import type { InferenceAnswer } from "../api/messages";
import { countCharacters, filePosition, fileText, openFile } from "../editor/coordinates";
import { originAnnotation } from "../editor/origins";
import { notify, reporting } from "../notices";
import type { RecordedSession } from "../recording/session";
import { changeSettings, loadSettings, settings, UNTIL_RESUMED } from "../settings/settings";
import { Store } from "../store";
import { firstPart, type Hunk, hunksBetween, type Unit } from "./hunks";
import { assistantKeys, KEYS } from "./keys";
import { linesOf, marks, subtleMarks } from "./marks";
import { mergedHunks } from "./merge";
import { PauseTimer } from "./pause-timer";
import {
  dropEdit, fatesOf, freshEdits, insertedText, inverseChanges, isLatestChange, type PlacedEdit, placedEdits, setPhase, settleEdits,
  undoTransaction,
} from "./placed-edits";
import { newEdit, placeEdit, placingTransaction } from "./placing";
import { RejectedTexts } from "./rejected";
import { suffixThatIsOff } from "./trigger";
import { type Dropped, kindOf, timeOfDay, wroteWords } from "./words";

export interface Status {
  kind: "closed" | "off" | "paused" | "looking" | "thinking" | "wrote" | "quiet" | "failed";
  text: string;
}

/** A decision that came, for whoever asks why. */
export interface DecisionEntry {
  time: number;
  answer: InferenceAnswer;
  dropped: Dropped;
  hunks: readonly Hunk[];
}

export interface Target {
  view: EditorView;
  session: RecordedSession;
  fileName: string;
}

const SUPERSEDED = 499;
const RECORDING_MS = 300;
const SLOW_MS = 3000;
const NEW_MS = 6000;
const FADING_MS = 3000;
const LOOK_AGAIN_MS = 100;
const MOST_DECISIONS = 10;
const MOST_TIMER_MS = 2 ** 31 - 1;

export class Assistant {
  readonly status = new Store<Status>({ kind: "closed", text: "Nothing is open" });
  /** The latest first. */
  readonly decisions = new Store<readonly DecisionEntry[]>([]);
  /** What can be taken back by a key, the latest last. */
  readonly fresh = new Store<readonly PlacedEdit[]>([]);
  #target: Target | null = null;
  #request = 0;
  #isAsking = false;
  #since: ChangeDesc = ChangeSet.empty(0).desc; // what the person changed since they were asked for
  #askedText: string | null = null;
  #refusal: string | null = null; // why nobody may help with this file
  #hasActed = false; // the person, since the latest edit was placed
  #isPartial = false; // an edit is taken out to put a part of it in
  #isSlowTold = false;
  #isFailureTold = false;
  #resumeTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #rejected = new RejectedTexts();
  readonly #timer = new PauseTimer(() => void this.#help(false));
  readonly #subtle = new Compartment();

  constructor() {
    settings.follow(() => this.#applySettings());
    void reporting(loadSettings)();
  }

  /** For the editor of a document that will be opened. */
  get extension(): Extension {
    return [
      placedEdits, marks(), this.#subtle.of(subtleMarks.of(settings.value.subtle)),
      assistantKeys({
        takeBack: () => this.#escape(), keepNext: (unit) => !this.#hasActed && this.keepNext(unit),
        askNow: () => this.askNow(), togglePause: () => this.togglePause(),
      }),
      EditorState.transactionExtender.of(() => (this.#isPartial ? { annotations: originAnnotation.of("assistant") } : null)),
      EditorView.updateListener.of((update) => this.#follow(update)),
      EditorView.domEventHandlers({ mousedown: () => this.#noteMouseDown() }),
    ];
  }

  open(target: Target): void {
    this.#target = target;
    this.#rejected.clear();
    this.decisions.set([]);
    this.#askedText = null;
    this.#refusal = null;
    this.#rest();
  }

  close(): void {
    this.cancel();
    this.#target = null;
    this.fresh.set([]);
    this.#rest();
  }

  /** What is under way is not wanted any more. */
  cancel(): void {
    this.#request += 1;
    this.#isAsking = false;
    this.#timer.stop();
  }

  /** Tests ran or the file was saved. */
  noteBoundary(): void {
    if (this.#target) this.#timer.noteBoundary(this.#target.view);
  }

  /** Asks at once, whatever the pause, also while paused. */
  askNow(): boolean {
    if (this.#target === null) return false;
    void reporting(() => this.#help(true))();
    return true;
  }

  /** The latest edit stays; or all of them. */
  keep(all = false): boolean {
    const edits = this.#edits(all);
    this.#settle(edits);
    for (const { requestId } of edits) this.#noteActivity("kept", { request_id: requestId, part: "all" });
    if (edits.length) this.#rest();
    return edits.length > 0;
  }

  /** Takes the latest edit out of the document; or all of them. */
  takeBack(all = false): boolean {
    const edits = this.#edits(all).reverse();
    for (const edit of edits) this.#takeOut(edit);
    if (edits.length) this.status.set({ kind: "looking", text: edits.length > 1 ? `Took ${edits.length} texts back` : "Took it back" });
    return edits.length > 0;
  }

  /** Keeps the next word or line of the latest edit and drops what follows; again: one more. */
  keepNext(unit: Unit): boolean {
    const edit = this.#edits(false)[0];
    const view = this.#target?.view;
    if (edit === undefined || view === undefined) return false;
    const next = nextPart(edit, unit);
    if (next === null) return this.keep();
    if (isLatestChange(view.state, edit)) this.#placePart(view, edit, next.hunks, { unit, count: next.count });
    else this.#dropRest(view, edit, next.hunks);
    this.#noteActivity("kept", { request_id: edit.requestId, part: unit });
    this.status.set({ kind: "wrote", text: next.count === 1 ? `Kept a ${unit}` : `Kept ${next.count} ${unit}s` });
    return true;
  }

  togglePause(): void {
    void reporting(() => (this.isPaused ? this.resume() : this.#pauseUntil(UNTIL_RESUMED, 0)))();
  }

  snooze(minutes: number): void {
    void reporting(() => this.#pauseUntil(Date.now() + minutes * 60_000, minutes))();
  }

  async resume(): Promise<void> {
    await changeSettings({ paused_until: null });
    this.#announce("The assistant looks on");
  }

  get isPaused(): boolean {
    return (settings.value.paused_until ?? 0) > Date.now();
  }

  #edits(all: boolean): PlacedEdit[] {
    const edits = this.#target ? freshEdits(this.#target.view.state) : [];
    return all ? [...edits] : edits.slice(-1);
  }

  // ---- what happens in the editor

  #follow(update: ViewUpdate): void {
    for (const transaction of update.transactions) this.#followTransaction(update.view, transaction);
    this.fresh.set(sameOrNew(this.fresh.value, freshEdits(update.state)));
  }

  #followTransaction(view: EditorView, transaction: Transaction): void {
    const isOwn = transaction.annotation(originAnnotation) === "assistant";
    if (transaction.docChanged) {
      this.#rejected.map(transaction.changes.desc);
      this.#timer.note(view, transaction);
      if (this.#isAsking) this.#since = this.#since.composeDesc(transaction.changes.desc);
    }
    if (!isOwn && (transaction.docChanged || transaction.isUserEvent("select"))) this.#hasActed = true;
    for (const { edit, fate } of fatesOf(transaction)) {
      const place = Math.min(edit.hunks[0]?.from ?? 0, transaction.newDoc.length);
      if (fate === "undone" || fate === "deleted") this.#rejected.add(insertedText(edit), transaction.changes.mapPos(place));
      if (fate === "undone") this.#noteActivity("undone", { request_id: edit.requestId, part: "all" });
      if (fate !== "kept" && edit.isFresh) this.#rest();
    }
  }

  #noteMouseDown(): false {
    this.#timer.isMouseDown = true;
    addEventListener("mouseup", () => { this.#timer.isMouseDown = false; }, { once: true, capture: true });
    return false;
  }

  #escape(): boolean {
    if (this.takeBack()) return true;
    if (this.#isAsking) {
      this.cancel();
      this.#rest();
    }
    return false;
  }

  // ---- asking

  async #help(isManual: boolean): Promise<void> {
    const target = this.#target;
    if (target === null) return;
    this.#timer.stop();
    const { view, session } = target;
    const { state } = view;
    const text = fileText(state);
    const suffix = suffixThatIsOff(settings.value.off_for, target.fileName);
    const isUnasked = this.isPaused || this.#refusal !== null || text === this.#askedText;
    if (suffix !== null || (!isManual && isUnasked)) {
      this.#rest();
      return;
    }
    this.#askedText = text;
    const isPosted = session.lastMover === "person" && session.isPosted(state);
    const posting = isPosted ? Promise.resolve() : session.postState(state, null);
    const { timestep } = session;
    const request = (this.#request += 1);
    this.#isAsking = true;
    this.#since = ChangeSet.empty(state.doc.length).desc;
    this.status.set({ kind: "thinking", text: "Thinks" });
    await Promise.race([posting, after(RECORDING_MS)]); // what is recorded of the lines decides too
    const answer = request === this.#request ? await this.#ask(state, target, request, isManual) : null;
    await this.#whileBusy(view, request);
    if (request !== this.#request) return;
    this.#isAsking = false;
    if (answer === null) return;
    if (session.timestep !== timestep) this.#rest();
    else this.#receive(answer, state, target);
  }

  /** null: nothing came; the status says why. */
  async #ask(state: EditorState, { session, fileName }: Target, request: number, mustHelp: boolean): Promise<InferenceAnswer | null> {
    const text = fileText(state);
    const body = {
      episode_id: session.id, text, timestep: session.timestep, attribution: session.posted?.attribution ?? [],
      context: {
        file_type: fileName.endsWith(".py") ? "python" : fileName, file_length: countCharacters(text),
        cursorOffset: filePosition(state, state.selection.main.head), mustHelp,
      },
    };
    const slow = setTimeout(() => this.#tellSlow(request), SLOW_MS);
    try {
      return await ask<InferenceAnswer>("/api/backend/inference", body);
    } catch (error) {
      const isNewer = error instanceof RefusedError && error.status === SUPERSEDED;
      if (request === this.#request) this.status.set({ kind: isNewer ? "looking" : "failed", text: isNewer ? "Looks on" : `Cannot ask: ${message(error)}` });
      return null;
    } finally {
      clearTimeout(slow);
    }
  }

  /** A text would break what is being composed, and move what the mouse selects. */
  async #whileBusy(view: EditorView, request: number): Promise<void> {
    while (request === this.#request && (view.composing || this.#timer.isMouseDown)) {
      await after(LOOK_AGAIN_MS);
    }
  }

  #receive(answer: InferenceAnswer, asked: EditorState, { view, session }: Target): void {
    const { action: [type, line], request_id: requestId, new_text: newText, milliseconds, reason } = answer.metadata;
    const hunks = answer.unified_diff ? hunksBetween(asked.doc.toString(), openFile(newText).doc.toString()) : [];
    const merged = mergedHunks(asked.doc, hunks, line, this.#since);
    const dropped = hunks.length ? this.#reasonToDrop(view, merged) : null;
    const isPlaced = merged !== null && dropped === null && hunks.length > 0;
    if (isPlaced) this.#place(view, merged, kindOf(type), requestId);
    const shown = isPlaced ? stateWith(asked, hunks) : asked;
    void session.postState(shown, { H: null, A: dropped ? { type: 0, line: 0 } : { type, line, request_id: requestId } });
    this.decisions.set([{ time: Date.now(), answer, dropped, hunks }, ...this.decisions.value].slice(0, MOST_DECISIONS));
    this.#refusal = reason !== undefined && !Object.keys(milliseconds).length ? reason : null; // nobody was asked
    if (!isPlaced) this.#tellSilence(reason);
  }

  #reasonToDrop(view: EditorView, merged: readonly Hunk[] | null): Dropped {
    const { state } = view;
    if (document.hidden) return "unseen";
    const first = merged?.[0];
    if (merged === null || first === undefined) return "stale";
    const isSelected = merged.some(({ from, removed }) =>
      state.selection.ranges.some((range) => !range.empty && range.from <= from + removed.length && range.to >= from));
    if (isSelected) return "stale";
    return this.#rejected.has(merged.map((hunk) => hunk.inserted).join("\n"), state.doc, first.from) ? "rejected" : null;
  }

  // ---- placing and taking back

  #place(view: EditorView, hunks: readonly Hunk[], kind: PlacedEdit["kind"], requestId: string): void {
    const edit = newEdit(view.state, hunks, kind, requestId);
    const lines = edit.hunks.flatMap((hunk) => linesOf(edit.placed.after, hunk));
    const words = wroteWords(kind, lines[0] ?? 1, new Set(lines).size);
    this.#hasActed = false;
    placeEdit(view, edit, `${words}: ${insertedText(edit).trim()}. ${KEYS.takeBack} takes it back.`);
    this.#askedText = fileText(view.state);
    this.status.set({ kind: "wrote", text: words });
    setTimeout(() => this.#setPhase(view, requestId, "fading"), NEW_MS);
    setTimeout(() => this.#setPhase(view, requestId, "faded"), NEW_MS + FADING_MS);
  }

  #setPhase(view: EditorView, requestId: string, phase: PlacedEdit["phase"]): void {
    if (view !== this.#target?.view || !freshEdits(view.state).some((edit) => edit.requestId === requestId)) return;
    view.dispatch({ effects: setPhase.of({ requestId, phase }) });
  }

  #takeOut(edit: PlacedEdit): void {
    const view = this.#target?.view;
    if (view === undefined) return;
    const place = edit.hunks[0]?.from ?? 0;
    takeOut(view, edit);
    this.#rejected.add(edit.placed.part ? wholeText(edit) : insertedText(edit), Math.min(place, view.state.doc.length));
    this.#noteActivity("undone", { request_id: edit.requestId, part: "all" });
    this.#announce("Taken back");
  }

  #placePart(view: EditorView, edit: PlacedEdit, hunks: readonly Hunk[], part: { unit: Unit; count: number }): void {
    this.#isPartial = true;
    try {
      const drop = view.state.update({ effects: dropEdit.of(edit.requestId) });
      const undoing = undoTransaction(drop.state);
      if (undoing === null) return;
      const partial = newEdit(undoing.state, hunks, edit.kind, edit.requestId);
      partial.placed.part = { ...part, of: edit.placed.part?.of ?? edit.placed.hunks };
      view.dispatch([drop, undoing, placingTransaction(undoing.state, partial, `Kept: ${insertedText(partial).trim()}`)]);
    } finally {
      this.#isPartial = false;
    }
    this.#hasActed = false;
    this.#askedText = fileText(view.state);
  }

  /** Where the person has gone on since: what follows the part goes, as a step of its own. */
  #dropRest(view: EditorView, edit: PlacedEdit, part: readonly Hunk[]): void {
    const changes = edit.hunks.map(({ from, to, removed }, i) => ({ from, to, insert: part[i]?.inserted ?? removed }));
    view.dispatch({
      changes, effects: dropEdit.of(edit.requestId), annotations: [originAnnotation.of("assistant"), isolateHistory.of("full")],
    });
  }

  #settle(edits: readonly PlacedEdit[]): void {
    if (edits.length) this.#target?.view.dispatch({ effects: settleEdits.of(edits.map((edit) => edit.requestId)) });
  }

  // ---- pausing, and what it says

  async #pauseUntil(until: number, minutes: number): Promise<void> {
    this.#noteActivity("snooze", { minutes });
    await changeSettings({ paused_until: until });
    this.#announce(this.status.value.text);
  }

  #applySettings(): void {
    const target = this.#target;
    if (target) target.view.dispatch({ effects: this.#subtle.reconfigure(subtleMarks.of(settings.value.subtle)) });
    clearTimeout(this.#resumeTimer);
    if (this.isPaused) {
      this.cancel();
      this.#settle(this.#edits(true));
      this.#resumeTimer = setTimeout(() => this.#rest(), Math.min((settings.value.paused_until ?? 0) - Date.now() + 1, MOST_TIMER_MS));
    }
    if (!this.#isAsking) this.#rest();
  }

  /** What it says when nothing is under way. */
  #rest(): void {
    this.status.set(this.#resting());
  }

  #resting(): Status {
    const target = this.#target;
    if (target === null) return { kind: "closed", text: "Nothing is open" };
    const { off_for: offFor, paused_until: until, pause } = settings.value;
    const suffix = suffixThatIsOff(offFor, target.fileName);
    if (suffix !== null) return { kind: "off", text: `Off for ${suffix} files` };
    if (this.#refusal !== null) return { kind: "off", text: this.#refusal };
    if (this.isPaused) return { kind: "paused", text: until === UNTIL_RESUMED ? "Paused" : `Paused until ${timeOfDay(until ?? 0)}` };
    return { kind: "looking", text: pause === "key" ? `Waits for ${KEYS.askNow}` : "Looks on" };
  }

  #tellSilence(reason: string | undefined): void {
    if (this.#refusal !== null) {
      this.#rest();
      return;
    }
    if (reason === undefined) {
      this.status.set({ kind: "quiet", text: "Looked, keeps quiet" });
      this.#isFailureTold = false;
      return;
    }
    this.status.set({ kind: "failed", text: `Cannot help: ${reason}` });
    if (!this.#isFailureTold) notify(`The assistant cannot help now: ${reason}`, true);
    this.#isFailureTold = true;
  }

  #tellSlow(request: number): void {
    if (request !== this.#request) return;
    this.status.set({ kind: "thinking", text: "Thinks; the writer is slow" });
    if (!this.#isSlowTold) notify("The writer is slow. Go on typing: what comes too late is dropped.");
    this.#isSlowTold = true;
  }

  #announce(text: string): void {
    this.#target?.view.dispatch({ effects: EditorView.announce.of(text) });
  }

  #noteActivity(kind: string, detail: Record<string, unknown>): void {
    this.#target?.session.noteActivity(kind, detail);
  }
}

/** One more word or line than is there now; null: that is all of it. */
function nextPart(edit: PlacedEdit, unit: Unit): { hunks: Hunk[]; count: number } | null {
  const { before, hunks, part } = edit.placed;
  const whole = part?.of ?? hunks;
  const size = part ? sizeOf(hunks) : -1;
  for (let count = 1; ; count += 1) {
    const next = firstPart(before.toString(), whole, unit, count);
    if (next === null) return part && size < sizeOf(whole) ? { hunks: [...whole], count } : null;
    if (sizeOf(next) > size) return { hunks: next, count };
  }
}

function sizeOf(hunks: readonly Hunk[]): number {
  return hunks.reduce((size, hunk) => size + hunk.inserted.length + hunk.removed.length, 0);
}

function wholeText(edit: PlacedEdit): string {
  return (edit.placed.part?.of ?? edit.placed.hunks).map((hunk) => hunk.inserted).join("\n");
}

/** Takes an edit out: by undoing where it is the latest step, else as a step of its own. The cursor stays. */
function takeOut(view: EditorView, edit: PlacedEdit): void {
  const drop = view.state.update({ effects: dropEdit.of(edit.requestId) });
  const undoing = isLatestChange(view.state, edit) ? undoTransaction(drop.state) : null;
  if (undoing === null) {
    view.dispatch({
      changes: inverseChanges(edit), effects: dropEdit.of(edit.requestId),
      annotations: [originAnnotation.of("undo"), isolateHistory.of("full")],
    });
    return;
  }
  const scroll = view.scrollSnapshot().map(undoing.changes);
  const selection = view.state.selection.map(undoing.changes);
  view.dispatch([drop, undoing, undoing.state.update({ selection, ...(scroll ? { effects: scroll } : {}) })]);
}

/** The state as it would be if the hunks had come at once. */
function stateWith(state: EditorState, hunks: readonly Hunk[]): EditorState {
  return state.update({ changes: hunks.map(({ from, removed, inserted }) => ({ from, to: from + removed.length, insert: inserted })) }).state;
}

function sameOrNew(before: readonly PlacedEdit[], now: readonly PlacedEdit[]): readonly PlacedEdit[] {
  return before.length === now.length && before.every((edit, i) => edit.requestId === now[i]?.requestId) ? before : now;
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
