// What the protocol wants to know of each line: here the cursor, and lines whose assistant's text the person took back.
import type { EditorState } from "@codemirror/state";
import { countCharacters } from "../editor/coordinates";

export interface LineEntry {
  cursor?: { turn: number; char: number };
  human?: { turn: number; span: [number, number]; actions: [number, number, number]; seconds: number; specialFlags: string[] };
}

/** Entries by line. turn: of the state where the cursor was placed; undone: lines from 0 at which an edit was undone. */
export function attribution(state: EditorState, turn: number, timestep: number, undone: readonly number[]): LineEntry[] {
  const { head } = state.selection.main;
  const line = state.doc.lineAt(head);
  const entries: LineEntry[] = Array.from({ length: Math.max(line.number, ...undone.map((n) => n + 1)) }, () => ({}));
  entries[line.number - 1]!.cursor = { turn, char: countCharacters(line.text.slice(0, head - line.from)) + 1 };
  for (const number of undone) {
    entries[number]!.human = { turn: timestep, span: [0, 0], actions: [0, 0, 1], seconds: 0, specialFlags: ["undo"] };
  }
  return entries;
}
