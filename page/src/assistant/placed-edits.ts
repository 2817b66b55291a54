// What the assistant wrote in the open document, and what became of it: a part of the editor's state.
// Not here: how it looks (`marks`), who asks for it (`assistant`).
import { undo } from "@codemirror/commands";
import { type ChangeSet, type EditorState, StateEffect, StateField, Text, Transaction } from "@codemirror/state";
import { originAnnotation } from "../editor/origins";
import type { Hunk } from "./hunks";

export type EditKind = "code" | "edit" | "explain";

/** How strongly an edit is marked; what has faded keeps its sign beside the line number. */
export type Phase = "new" | "fading" | "faded";

/** A stretch of the document: what the assistant inserted there, and what it took away. */
export interface PlacedHunk {
  from: number;
  to: number;
  inserted: string;
  removed: string;
}

export interface PlacedEdit {
  requestId: string;
  kind: EditKind;
  hunks: readonly PlacedHunk[];
  phase: Phase;
  /** When it was placed, in milliseconds since 1970. */
  time: number;
  /** Whether the person can take it back or keep a part by one key. */
  isFresh: boolean;
  /** What it was placed into, to place a part of it there instead. */
  placed: Placing;
}

export interface Placing {
  hunks: readonly Hunk[];
  before: Text;
  after: Text;
  /** Words or lines of it that are there, counted from its beginning; null: all. */
  part: { unit: "word" | "line"; count: number; of: readonly Hunk[] } | null;
}

/** What a transaction did to an edit. */
export type Fate = "kept" | "undone" | "deleted" | "changed";

export const addEdit = StateEffect.define<PlacedEdit>();
/** The person is done with edits: their text stays, their marks go. */
export const settleEdits = StateEffect.define<readonly string[]>();
export const setPhase = StateEffect.define<{ requestId: string; phase: Phase }>();
/** The edit goes with the text that this transaction takes away. */
export const dropEdit = StateEffect.define<string>();

const MOST_EDITS = 100;
const FRESH_MS = 60_000; // after so long, the person's next change lets the text be theirs

export const placedEdits = StateField.define<readonly PlacedEdit[]>({
  create: () => [],
  update(edits, transaction) {
    let next = transaction.docChanged && edits.length ? mapEdits(edits, transaction) : edits;
    for (const effect of transaction.effects) next = withEffect(next, effect);
    return next;
  },
});

export function freshEdits(state: EditorState): readonly PlacedEdit[] {
  return state.field(placedEdits).filter((edit) => edit.isFresh);
}

/**
 * Whether the person has yet to say what becomes of the text of the latest answer: they have said it of one of
 * which they kept words or lines, and an earlier one was recorded as it stood before the latest answer.
 */
export function isUndecided(state: EditorState, latestRequestId: string | undefined): boolean {
  const edit = freshEdits(state).at(-1);
  return edit !== undefined && edit.requestId === latestRequestId && edit.placed.part === null;
}

/** Edits that were fresh, or whose text was there, before a transaction and are not afterwards. */
export function fatesOf(transaction: Transaction): { edit: PlacedEdit; fate: Fate }[] {
  const [before, after] = [transaction.startState.field(placedEdits), transaction.state.field(placedEdits)];
  if (before === after) return [];
  const remaining = new Map(after.map((edit) => [edit.requestId, edit]));
  const dropped = transaction.effects.filter((effect) => effect.is(dropEdit)).map((effect) => effect.value as string);
  return before.flatMap((edit): { edit: PlacedEdit; fate: Fate }[] => {
    if (dropped.includes(edit.requestId)) return [];
    const now = remaining.get(edit.requestId);
    const isLost = edit.isFresh && !now?.isFresh;
    if (isLost && transaction.isUserEvent("undo")) return [{ edit, fate: "undone" }];
    if (now === undefined) return [{ edit, fate: "deleted" }];
    return isLost ? [{ edit, fate: transaction.docChanged ? "changed" : "kept" }] : [];
  });
}

/** Whether it was the latest thing to happen to the document, so that undoing takes back exactly that. */
export function isLatestChange(state: EditorState, edit: PlacedEdit): boolean {
  return state.doc.eq(edit.placed.after) && (undoTransaction(state)?.newDoc.eq(edit.placed.before) ?? false);
}

/** What undoing would do; null: there is nothing to undo. */
export function undoTransaction(state: EditorState): Transaction | null {
  let transaction: Transaction | null = null;
  undo({ state, dispatch: (each) => { transaction = each; } });
  return transaction;
}

/** The changes that take the edit out of the document as it is now. */
export function inverseChanges(edit: PlacedEdit): { from: number; to: number; insert: string }[] {
  return edit.hunks.map(({ from, to, removed }) => ({ from, to, insert: removed }));
}

export function placedHunks(hunks: readonly Hunk[]): PlacedHunk[] {
  let shift = 0;
  return hunks.map(({ from, removed, inserted }) => {
    const start = from + shift;
    shift += inserted.length - removed.length;
    return { from: start, to: start + inserted.length, inserted, removed };
  });
}

export function insertedText(edit: PlacedEdit): string {
  return edit.hunks.map((hunk) => hunk.inserted).join("\n");
}

/** With what of it the person did not keep. */
export function wholeText(edit: PlacedEdit): string {
  return edit.placed.part?.of.map((hunk) => hunk.inserted).join("\n") ?? insertedText(edit);
}

function withEffect(edits: readonly PlacedEdit[], effect: StateEffect<unknown>): readonly PlacedEdit[] {
  if (effect.is(addEdit)) return [...edits, effect.value].slice(-MOST_EDITS);
  if (effect.is(settleEdits)) return edits.map((edit) => (effect.value.includes(edit.requestId) ? settled(edit) : edit));
  if (effect.is(dropEdit)) return edits.filter((edit) => edit.requestId !== effect.value);
  if (effect.is(setPhase)) {
    const { requestId, phase } = effect.value;
    return edits.map((edit) => (edit.requestId === requestId ? { ...edit, phase } : edit));
  }
  return edits;
}

const FORGOTTEN: Placing = { hunks: [], before: Text.empty, after: Text.empty, part: null };

function settled(edit: PlacedEdit): PlacedEdit {
  return edit.isFresh ? { ...edit, isFresh: false, phase: "faded", placed: FORGOTTEN } : edit;
}

function mapEdits(edits: readonly PlacedEdit[], transaction: Transaction): readonly PlacedEdit[] {
  const mapped = edits.flatMap((edit) => mapEdit(edit, transaction) ?? []);
  if (transaction.annotation(originAnnotation) === "assistant") return mapped;
  const latest = (transaction.annotation(Transaction.time) ?? 0) - FRESH_MS;
  return mapped.map((edit) => (edit.time < latest ? settled(edit) : edit)); // the person has gone on with it for long
}

/** null: nothing of its text is left. */
function mapEdit(edit: PlacedEdit, { changes, state }: Transaction): PlacedEdit | null {
  const hunks = edit.hunks.map((hunk) => {
    const from = changes.mapPos(hunk.from, 1);
    return { ...hunk, from, to: Math.max(changes.mapPos(hunk.to, -1), from) };
  });
  const wasInserted = edit.hunks.some((hunk) => hunk.inserted.trim());
  if (wasInserted && hunks.every(({ from, to }) => !state.doc.sliceString(from, to).trim())) return null;
  return edit.hunks.some((hunk) => isTouched(hunk, changes)) ? settled({ ...edit, hunks }) : { ...edit, hunks };
}

/** What is typed before it, where the cursor stayed, or on a new line after it, leaves it as it is. */
function isTouched({ from, to, inserted }: PlacedHunk, changes: ChangeSet): boolean {
  const end = inserted.endsWith("\n") ? to - 1 : to;
  let touched = false;
  changes.iterChanges((changedFrom, changedTo, _fromB, _toB, text) => {
    const isAfter = changedFrom === end && changedTo === end && text.lines > 1 && text.line(1).length === 0;
    const isAtOnePlace = from === to && changedTo >= from;
    touched ||= !isAfter && changedFrom <= end && (changedTo > from || changedFrom > from || isAtOnePlace);
  });
  return touched;
}
