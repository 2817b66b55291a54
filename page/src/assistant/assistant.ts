// The assistant at work in the open document: asks when it is the moment, puts what comes in its place, takes it back.
// Not here: when that is (`trigger`), what an edit changes (`hunks`), how it looks (`marks`), what it is called (`words`).
import { ChangeSet, type ChangeDesc, Compartment, type EditorState, type Extension, type Transaction } from "@codemirror/state";
import { EditorView, type ViewUpdate } from "@codemirror/view";
import { errorText } from "../api/errors";
import type { InferenceAnswer } from "../api/messages";
import { fileText, openFile } from "../editor/coordinates";
import { originAnnotation } from "../editor/origins";
import { notify, reporting } from "../notices";
import type { RecordedSession } from "../recording/session";
import { changeSettings, loadSettings, settings, UNTIL_RESUMED } from "../settings/settings";
import { Store } from "../store";
import { after } from "../timing";
import { selectionBehind } from "./cursor";
import { type Hunk, hunksBetween, type Unit } from "./hunks";
import { assistantKeys, KEYS } from "./keys";
import { linesOf, marks, subtleMarks } from "./marks";
import { mergedHunks, movedLines } from "./merge";
import { PauseTimer } from "./pause-timer";
import { fatesOf, freshEdits, insertedText, isUndecided, type PlacedEdit, placedEdits, setPhase, settleEdits, wholeText } from "./placed-edits";
import { changeSetOf, newEdit, placeEdit, stateWith } from "./placing";
import { RejectedTexts } from "./rejected";
import { requestHelp } from "./request";
import { CLOSED, isPausedAt, restingStatus, type Status } from "./status";
import { keepPart, nextPart, partsAreTheAssistants, takeOut } from "./taking-back";
import { suffixThatIsOff } from "./trigger";
import { type Circumstances, type Dropped, kindOf, QUIET, silenceWords, wroteWords } from "./words";

/** A decision that came, for whoever asks why. */
export interface DecisionEntry extends Circumstances {
  time: number;
  answer: InferenceAnswer;
  hunks: readonly Hunk[];
}

export interface Target {
  view: EditorView;
  session: RecordedSession;
  fileName: string;
}

const RECORDING_MS = 300;
const SLOW_MS = 3000;
const NEW_MS = 6000;
const FADING_MS = 3000;
const LOOK_AGAIN_MS = 100;
const MOST_DECISIONS = 10;
const MOST_TIMER_MS = 2 ** 31 - 1;

export class Assistant {
  readonly status = new Store<Status>(CLOSED);
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
      partsAreTheAssistants(),
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
    const edits = all ? this.#edits() : this.#edits().slice(-1);
    this.#moveBehind(edits);
    this.#settle(edits);
    for (const { requestId } of edits) this.#noteActivity("kept", { request_id: requestId, part: "all" });
    if (edits.length) this.#rest();
    return edits.length > 0;
  }

  /** Takes the latest edit out of the document; or all of them. */
  takeBack(all = false): boolean {
    let count = 0;
    for (let edit = this.#edits().at(-1); edit && (all || count === 0); edit = this.#edits().at(-1)) {
      this.#takeOut(edit);
      count += 1;
    }
    if (count) this.status.set({ kind: "looking", text: count > 1 ? `Took ${count} texts back` : "Took it back" });
    return count > 0;
  }

  /** Keeps the next word or line of the latest edit and drops what follows; again: one more. */
  keepNext(unit: Unit): boolean {
    const edit = this.#edits().at(-1);
    const view = this.#target?.view;
    if (edit === undefined || view === undefined) return false;
    const part = nextPart(edit, unit);
    if (part === null) return this.keep();
    view.dispatch(keepPart(view.state, edit, part));
    this.#hasActed = false;
    this.#askedText = fileText(view.state);
    this.#noteActivity("kept", { request_id: edit.requestId, part: unit });
    this.status.set({ kind: "wrote", text: part.count === 1 ? `Kept a ${unit}` : `Kept ${part.count} ${unit}s` });
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
    return isPausedAt(Date.now(), settings.value);
  }

  /** What can be taken back, the latest last. */
  #edits(): readonly PlacedEdit[] {
    return this.#target ? freshEdits(this.#target.view.state) : [];
  }

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
      if (fate === "undone" || fate === "deleted") this.#reject(edit, transaction.changes.mapPos(edit.hunks[0]?.from ?? 0));
      if (fate === "undone") this.#noteActivity("undone", { request_id: edit.requestId, part: "all" });
      if (fate !== "kept" && edit.isFresh) this.#rest();
    }
  }

  #reject(edit: PlacedEdit, position: number): void {
    this.#rejected.add(wholeText(edit), position);
  }

  #noteMouseDown(): false {
    this.#timer.isMouseDown = true;
    const release = new AbortController();
    for (const end of ["mouseup", "dragend", "blur"]) { // a drag ends without a mouseup
      addEventListener(end, () => {
        this.#timer.isMouseDown = false;
        release.abort();
      }, { capture: true, signal: release.signal });
    }
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

  async #help(isManual: boolean): Promise<void> {
    const target = this.#target;
    if (target === null) return;
    this.#timer.stop();
    if (isManual && this.#isUnanswered(target)) {
      this.status.set({ kind: "wrote", text: "Keep it, change it or take it back first" });
      return;
    }
    if (!this.#mayAsk(target, isManual)) {
      this.#rest();
      return;
    }
    const { view, session } = target;
    const { state } = view;
    this.#askedText = fileText(state);
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
    else this.#receive(answer, state, target, isManual);
  }

  /** Whether to ask now would record the latest text as kept, though the person has not said so. */
  #isUnanswered({ view, session }: Target): boolean {
    const latest = this.decisions.value[0]?.answer.metadata.request_id;
    return isUndecided(view.state, latest) && session.lastMover === "assistant" && session.isPosted(view.state);
  }

  #mayAsk({ view, fileName }: Target, isManual: boolean): boolean {
    if (suffixThatIsOff(settings.value.off_for, fileName) !== null) return false;
    return isManual || !(this.isPaused || this.#refusal !== null || fileText(view.state) === this.#askedText);
  }

  /** null: nothing came; the status says why. */
  async #ask(state: EditorState, { session, fileName }: Target, request: number, mustHelp: boolean): Promise<InferenceAnswer | null> {
    const slow = setTimeout(() => this.#tellSlow(request), SLOW_MS);
    try {
      const answer = await requestHelp(state, session, fileName, mustHelp);
      if (answer === null && request === this.#request) this.#rest();
      return answer;
    } catch (error) {
      if (request === this.#request) this.#tellFailure("Cannot ask", errorText(error));
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

  #receive(answer: InferenceAnswer, asked: EditorState, { view, session }: Target, isAsked: boolean): void {
    const { action: [type, line], request_id: requestId, new_text: newText, milliseconds, reason } = answer.metadata;
    const hunks = answer.unified_diff ? hunksBetween(asked.doc.toString(), openFile(newText).doc.toString()) : [];
    const merged = mergedHunks(asked.doc, hunks, line, this.#since);
    const dropped = hunks.length ? this.#reasonToDrop(view, merged) : null;
    const isPlaced = merged !== null && dropped === null && hunks.length > 0;
    const change = this.#since.composeDesc(changeSetOf(view.state, isPlaced ? merged : []).desc);
    const firstLine = isPlaced ? this.#place(view, merged, kindOf(type), requestId) : null;
    const lines = movedLines(asked.doc, linesIn(answer), change, view.state.doc);
    const shown = isPlaced ? stateWith(asked, hunks) : asked;
    void session.postState(shown, { H: null, A: dropped ? { type: 0, line: 0, dropped } : { type, line, request_id: requestId } });
    this.decisions.set([{ time: Date.now(), answer, dropped, isAsked, firstLine, lines, hunks }, ...this.decisions.value].slice(0, MOST_DECISIONS));
    this.#refusal = reason !== undefined && !Object.keys(milliseconds).length ? reason : null; // nobody was asked
    if (isPlaced) this.#isFailureTold = false;
    else this.#tellSilence(reason, silenceWords(answer.metadata, dropped, isAsked));
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

  /** The line at which it stands then. */
  #place(view: EditorView, hunks: readonly Hunk[], kind: PlacedEdit["kind"], requestId: string): number {
    const edit = newEdit(view.state, hunks, kind, requestId);
    const lines = edit.hunks.flatMap((hunk) => linesOf(edit.placed.after, hunk));
    const firstLine = lines[0] ?? 1;
    const words = wroteWords(kind, firstLine, new Set(lines).size);
    this.#hasActed = !this.#since.empty; // whoever is typing on has the arrows
    placeEdit(view, edit, `${words}: ${insertedText(edit).trim()}. ${KEYS.takeBack} takes it back.`);
    this.#askedText = fileText(view.state);
    this.status.set({ kind: "wrote", text: words });
    setTimeout(() => this.#setPhase(view, requestId, "fading"), NEW_MS);
    setTimeout(() => this.#setPhase(view, requestId, "faded"), NEW_MS + FADING_MS);
    return firstLine;
  }

  #setPhase(view: EditorView, requestId: string, phase: PlacedEdit["phase"]): void {
    if (view !== this.#target?.view || !freshEdits(view.state).some((edit) => edit.requestId === requestId)) return;
    view.dispatch({ effects: setPhase.of({ requestId, phase }) });
  }

  #takeOut(edit: PlacedEdit): void {
    const view = this.#target?.view;
    if (view === undefined) return;
    const position = edit.hunks[0]?.from ?? 0;
    dispatchInPlace(view, takeOut(view.state, edit));
    this.#reject(edit, Math.min(position, view.state.doc.length));
    this.#noteActivity("undone", { request_id: edit.requestId, part: "all" });
    this.#announce("Taken back");
  }

  #moveBehind(edits: readonly PlacedEdit[]): void {
    const view = this.#target?.view;
    if (view === undefined) return;
    const { doc, selection } = view.state;
    const moved = edits.map((edit) => selectionBehind(doc, selection, edit)).find((each) => !each.eq(selection));
    if (moved) view.dispatch({ selection: moved, scrollIntoView: true });
  }

  #settle(edits: readonly PlacedEdit[]): void {
    if (edits.length) this.#target?.view.dispatch({ effects: settleEdits.of(edits.map((edit) => edit.requestId)) });
  }

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
      this.#settle(this.#edits());
      this.#resumeTimer = setTimeout(() => this.#rest(), Math.min((settings.value.paused_until ?? 0) - Date.now() + 1, MOST_TIMER_MS));
    }
    if (!this.#isAsking) this.#rest();
  }

  /** What it says when nothing is under way. */
  #rest(): void {
    this.status.set(this.#target ? restingStatus(settings.value, this.#target.fileName, this.#refusal) : CLOSED);
  }

  #tellSilence(reason: string | undefined, words: string): void {
    if (this.#refusal !== null) {
      this.#rest();
    } else if (reason !== undefined) {
      this.#tellFailure("Cannot help", reason);
    } else if (this.#isFailureTold && words === QUIET) {
      this.#isFailureTold = false;
      this.#rest(); // it works again
    } else {
      this.#isFailureTold = false;
      this.status.set({ kind: "quiet", text: words });
    }
  }

  /** Once, until it works again; the status says it as long as it lasts. */
  #tellFailure(what: "Cannot ask" | "Cannot help", reason: string): void {
    this.#askedText = null; // the same text may be asked for again
    this.status.set({ kind: "failed", text: `${what}: ${reason}` });
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

/** Lines that the answer speaks of. */
const linesIn = ({ metadata: { record } }: InferenceAnswer): number[] => [record.line, ...(record.alternatives ?? []).map((pair) => pair.line)];

/** The person goes on seeing what they see. */
function dispatchInPlace(view: EditorView, transactions: readonly Transaction[]): void {
  const last = transactions.at(-1);
  let scroll = view.scrollSnapshot();
  for (const { changes } of transactions) scroll = scroll.map(changes) ?? scroll;
  view.dispatch(last ? [...transactions, last.state.update({ effects: scroll })] : []);
}

function sameOrNew(before: readonly PlacedEdit[], now: readonly PlacedEdit[]): readonly PlacedEdit[] {
  return before.length === now.length && before.every((edit, i) => edit.requestId === now[i]?.requestId) ? before : now;
}
