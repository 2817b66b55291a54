// An edit of an earlier document in the one that the person has typed on: possible where its place is untouched. And where
// that document's lines are now.
import type { ChangeDesc, Text } from "@codemirror/state";
import type { Hunk } from "./hunks";

/**
 * The hunks in the document after `since`; null: the person changed a line that the edit changes, or was decided for.
 * document: the one that help was asked for; line: of the decision, from 1; 0: none.
 */
export function mergedHunks(document: Text, hunks: readonly Hunk[], line: number, since: ChangeDesc): Hunk[] | null {
  const places = hunks.map(({ from, removed }) => [from, from + removed.length] as const);
  if (line >= 1 && line <= document.lines) places.push([document.line(line).from, document.line(line).from]);
  const isTouched = places.some(([from, to]) => touches(since, document.lineAt(from).from, document.lineAt(to).to));
  return isTouched ? null : hunks.map((hunk) => ({ ...hunk, from: since.mapPos(hunk.from, 1) }));
}

/** Where lines of a document (from 1; others stay) are in the one `after` a change: those of them that moved. */
export function movedLines(document: Text, lines: readonly number[], change: ChangeDesc, after: Text): Map<number, number> {
  const moved = new Map<number, number>();
  for (const line of lines) {
    if (line < 1 || line > document.lines) continue;
    const now = after.lineAt(change.mapPos(document.line(line).from, 1)).number;
    if (now !== line) moved.set(line, now);
  }
  return moved;
}

function touches(since: ChangeDesc, from: number, to: number): boolean {
  return since.touchesRange(from, to) !== false;
}
