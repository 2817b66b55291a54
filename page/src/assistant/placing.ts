// Puts an edit into the document as one undo step; the cursor, the selection and what the person sees stay in place.
import { isolateHistory } from "@codemirror/commands";
import type { ChangeSet, EditorSelection, EditorState, Transaction } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { originAnnotation } from "../editor/origins";
import type { Hunk } from "./hunks";
import { addEdit, type EditKind, type PlacedEdit, placedHunks } from "./placed-edits";

export function newEdit(state: EditorState, hunks: readonly Hunk[], kind: EditKind, requestId: string): PlacedEdit {
  const after = changeSetOf(state, hunks).apply(state.doc);
  return {
    requestId, kind, hunks: placedHunks(hunks), phase: "new", time: Date.now(), isFresh: true,
    placed: { hunks, before: state.doc, after, part: null },
  };
}

/** words: read out to those who do not see it. selection: in the document afterwards; without it, it stays. */
export function placingTransaction(state: EditorState, edit: PlacedEdit, words: string, selection?: EditorSelection): Transaction {
  return state.update({
    ...(selection && { selection, scrollIntoView: true }),
    changes: changesOf(edit.placed.hunks),
    effects: [addEdit.of(edit), EditorView.announce.of(words)],
    annotations: [originAnnotation.of("assistant"), isolateHistory.of("full")],
  });
}

export function placeEdit(view: EditorView, edit: PlacedEdit, words: string): void {
  holdCursorStill(view, () => view.dispatch(placingTransaction(view.state, edit, words)));
}

/** The state as it would be if the hunks had come at once. */
export function stateWith(state: EditorState, hunks: readonly Hunk[]): EditorState {
  return state.update({ changes: changesOf(hunks) }).state;
}

export function changeSetOf(state: EditorState, hunks: readonly Hunk[]): ChangeSet {
  return state.changes(changesOf(hunks));
}

function changesOf(hunks: readonly Hunk[]): { from: number; to: number; insert: string }[] {
  return hunks.map(({ from, removed, inserted }) => ({ from, to: from + removed.length, insert: inserted }));
}

/** Scrolls by as much as `change` moved the cursor's line, if it is in view; before anybody sees it move. */
function holdCursorStill(view: EditorView, change: () => void): void {
  const before = cursorTop(view);
  change();
  if (before === null) return;
  requestAnimationFrame(() => { // after the editor's own frame, which holds the first visible line still
    const after = cursorTop(view);
    if (after !== null && after !== before) view.scrollDOM.scrollTop += after - before;
  });
}

function cursorTop(view: EditorView): number | null {
  const top = view.coordsAtPos(view.state.selection.main.head)?.top;
  const { top: first, bottom: last } = view.scrollDOM.getBoundingClientRect();
  return top === undefined || top < first || top > last ? null : top;
}
