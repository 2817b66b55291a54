// Where the cursor goes once the person keeps a text. Placing never moves it; not here: the changes themselves.
import { EditorSelection, type Text } from "@codemirror/state";
import type { PlacedEdit, PlacedHunk } from "./placed-edits";

/** The cursor behind an edit that stands at it or directly after it; else the selection as it is. */
export function selectionBehind(doc: Text, selection: EditorSelection, edit: PlacedEdit): EditorSelection {
  const { head } = selection.main;
  const first = edit.hunks.findIndex((hunk) => isAtCursor(doc, hunk, head, edit.kind === "code"));
  let last = edit.hunks[first];
  if (last === undefined || selection.ranges.some((range) => !range.empty)) return selection;
  for (const hunk of edit.hunks.slice(first + 1)) {
    if (!isBlank(doc.sliceString(last.to, hunk.from))) break;
    last = hunk;
  }
  return EditorSelection.single(Math.max(endOf(last), head));
}

/** mayBeBelow: code that begins on the next line goes on from the cursor too. */
function isAtCursor(doc: Text, hunk: PlacedHunk, head: number, mayBeBelow: boolean): boolean {
  if (head > hunk.to) return false;
  const between = doc.sliceString(head, hunk.from);
  return head >= hunk.from || (isBlank(between) && (mayBeBelow || !between.includes("\n")));
}

/** Whether what lies between is at most a line end and spaces. */
function isBlank(between: string): boolean {
  return /^[^\S\n]*\n?[^\S\n]*$/.test(between);
}

/** The line end that whole lines bring stays behind the cursor. */
function endOf({ from, to, inserted }: PlacedHunk): number {
  return inserted.endsWith("\n") ? Math.max(to - 1, from) : to;
}
