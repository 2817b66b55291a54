// Waits for the moment to ask: follows what the person does in the editor and calls `due` after their pause.
// Not here: what a pause is and what forbids asking (`trigger`).
import type { Transaction } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { originOf } from "../editor/origins";
import { settings } from "../settings/settings";
import { judge, type Moment, pauseBefore, TypingRhythm } from "./trigger";

const LOOK_AGAIN_MS = 150;
const BOUNDARY_MS = 150;

export class PauseTimer {
  readonly #rhythm = new TypingRhythm();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAfterDeletion = false;
  isMouseDown = false;

  constructor(private readonly due: () => void) {}

  /** A change of the text by whoever it was. */
  note(view: EditorView, transaction: Transaction): void {
    const origin = originOf(transaction);
    if (origin === "assistant") return;
    this.stop();
    const isTyped = origin === "input" && !transaction.isUserEvent("delete");
    this.#isAfterDeletion = origin === "undo" || origin === "redo" || transaction.isUserEvent("delete");
    if (isTyped) this.#rhythm.note(performance.now());
    if (!this.#isAfterDeletion) this.#start(view, isTyped && endsLine(transaction));
  }

  /** Tests ran or the file was saved: people take up more then. */
  noteBoundary(view: EditorView): void {
    if (settings.value.pause === "key" || this.#isAfterDeletion) return;
    this.stop();
    this.#timer = setTimeout(() => this.#ask(view, { ...this.#moment(view), isFocused: true, before: "", after: "" }), BOUNDARY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(view: EditorView, isBoundary: boolean): void {
    const pause = pauseBefore(settings.value.pause, this.#rhythm, isBoundary);
    if (pause !== null) this.#timer = setTimeout(() => this.#ask(view, this.#moment(view)), pause);
  }

  #ask(view: EditorView, moment: Moment): void {
    const verdict = judge(moment);
    if (verdict === "ask") this.due();
    if (verdict === "wait") this.#timer = setTimeout(() => this.#ask(view, this.#moment(view)), LOOK_AGAIN_MS);
  }

  #moment(view: EditorView): Moment {
    const { main } = view.state.selection;
    return {
      isComposing: view.composing,
      isMouseDown: this.isMouseDown,
      isSelecting: view.state.selection.ranges.some((range) => !range.empty),
      isFocused: view.hasFocus,
      isHidden: document.hidden,
      isAfterDeletion: this.#isAfterDeletion,
      before: [...view.state.sliceDoc(Math.max(main.head - 2, 0), main.head)].at(-1) ?? "",
      after: [...view.state.sliceDoc(main.head, main.head + 2)][0] ?? "",
    };
  }
}

/** Whether a typed change finished a line: the cursor is on a new one. */
function endsLine(transaction: Transaction): boolean {
  let ends = false;
  transaction.changes.iterChanges((_fromA, _toA, _fromB, _toB, inserted) => { ends ||= inserted.lines > 1; });
  return ends;
}
