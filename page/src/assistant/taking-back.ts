// Takes an edit out of the document again, or all of it but its beginning; each as transactions that follow on each other.
import { isolateHistory } from "@codemirror/commands";
import { type ChangeSet, type EditorSelection, EditorState, type Extension, type Transaction } from "@codemirror/state";
import { originAnnotation } from "../editor/origins";
import { selectionBehind } from "./cursor";
import { firstPart, type Hunk, type Unit } from "./hunks";
import { dropEdit, insertedText, inverseChanges, isLatestChange, type PlacedEdit, undoTransaction } from "./placed-edits";
import { newEdit, placingTransaction } from "./placing";

/** By undoing where it is the latest step, else as a step of its own. The cursor stays. */
export function takeOut(state: EditorState, edit: PlacedEdit): Transaction[] {
  const drop = state.update({ effects: dropEdit.of(edit.requestId) });
  const undoing = isLatestChange(state, edit) ? undoTransaction(drop.state) : null;
  if (undoing === null) {
    return [state.update({
      changes: inverseChanges(edit), effects: dropEdit.of(edit.requestId),
      annotations: [originAnnotation.of("undo"), isolateHistory.of("full")],
    })];
  }
  return [drop, undoing, undoing.state.update({ selection: state.selection.map(undoing.changes) })];
}

/** The first `count` words or lines, which are one more than there were; null: there is no more than there is. */
export interface Part { hunks: readonly Hunk[]; unit: Unit; count: number }

export function nextPart(edit: PlacedEdit, unit: Unit): Part | null {
  const { before, hunks, part } = edit.placed;
  const whole = part?.of ?? hunks;
  const size = part ? sizeOf(hunks) : -1;
  const text = before.toString();
  for (let count = 1; ; count += 1) {
    const next = firstPart(text, whole, unit, count);
    if (next === null) return part && size < sizeOf(whole) ? { hunks: whole, unit, count } : null;
    if (sizeOf(next) > size) return { hunks: next, unit, count };
  }
}

/**
 * Leaves a part of the edit: as its one step where it is the latest, else what follows goes as a step of its own.
 * The cursor goes behind the part if the edit is at it.
 */
export function keepPart(state: EditorState, edit: PlacedEdit, part: Part): Transaction[] {
  const drop = state.update({ effects: dropEdit.of(edit.requestId) });
  if (isLatestChange(state, edit)) partial.add(drop.state);
  const undoing = partial.has(drop.state) ? undoTransaction(drop.state) : null;
  if (undoing === null) return [withoutRest(state, edit, part.hunks)];
  const kept = newEdit(undoing.state, part.hunks, edit.kind, edit.requestId);
  kept.placed.part = { unit: part.unit, count: part.count, of: edit.placed.part?.of ?? edit.placed.hunks };
  const words = `Kept: ${insertedText(kept).trim()}`;
  const changes = undoing.changes.compose(placingTransaction(undoing.state, kept, words).changes);
  return [drop, undoing, placingTransaction(undoing.state, kept, words, selectionAfter(state, changes, kept))];
}

const partial = new WeakSet<EditorState>(); // in which an edit is undone to put a part of it there instead

/** Of a part that stays: its text is the assistant's as before, nothing of it is undone by the person. */
export function partsAreTheAssistants(): Extension {
  return EditorState.transactionExtender.of(({ startState }) =>
    partial.has(startState) ? { annotations: originAnnotation.of("assistant") } : null);
}

function withoutRest(state: EditorState, edit: PlacedEdit, part: readonly Hunk[]): Transaction {
  let shift = 0;
  const hunks = edit.hunks.slice(0, part.length).map((hunk, i) => {
    const inserted = part[i]?.inserted ?? "";
    const from = hunk.from + shift;
    shift += inserted.length - (hunk.to - hunk.from);
    return { ...hunk, from, to: from + inserted.length, inserted };
  });
  const changes = state.changes(edit.hunks.map(({ from, to, removed }, i) => ({ from, to, insert: part[i]?.inserted ?? removed })));
  return state.update({
    changes, selection: selectionAfter(state, changes, { ...edit, hunks }),
    effects: dropEdit.of(edit.requestId),
    annotations: [originAnnotation.of("assistant"), isolateHistory.of("full")],
  });
}

/** kept: what stays of an edit, in the document that `changes` lead to. */
function selectionAfter({ doc, selection }: EditorState, changes: ChangeSet, kept: PlacedEdit): EditorSelection {
  return selectionBehind(changes.apply(doc), selection.map(changes), kept);
}

function sizeOf(hunks: readonly Hunk[]): number {
  return hunks.reduce((size, hunk) => size + hunk.inserted.length + hunk.removed.length, 0);
}
