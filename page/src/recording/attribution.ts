// Who last edited each line, where and how: what the protocol calls a state's attribution, by line as the editor shows them.
import type { EditorState, Line, Transaction } from "@codemirror/state";
import { countCharacters, fileColumn } from "../editor/coordinates";

export type SpecialFlag = "undo" | "paste";

export interface LineEdit {
  /** Timestep of the state that the edit led to. */
  turn: number;
  span: [number, number];
  /** Added, deleted, replaced: 0 or 1 each. */
  actions: [number, number, number];
  /** Since the document was opened. */
  seconds: number;
  specialFlags: SpecialFlag[];
}

export interface LineEntry {
  human?: LineEdit;
  assistant?: LineEdit;
  cursor?: { turn: number; char: number };
}

/** A line's last edit by each; neither: it was not edited. */
export interface LineEdits {
  human?: LineEdit;
  assistant?: LineEdit;
}

/** What an edit did to the lines: from `start` on, `count` of them became these. */
export interface LineChange {
  start: number;
  count: number;
  lines: LineEdits[];
}

export type Agent = "human" | "assistant";

/** What an edit is marked with. */
export interface EditMark {
  by: Agent;
  turn: number;
  seconds: number;
  flags: readonly SpecialFlag[];
}

export const UNEDITED: LineEdits = {};

const MOST_ARGUMENTS = 1000;

export class LineAttribution {
  #lines: LineEdits[];

  constructor(lines: readonly LineEdits[] = []) { this.#lines = [...lines]; }

  /** Of each line, up to the last that was edited. */
  get lines(): LineEdits[] { return this.#lines.slice(0, this.#lines.findLastIndex((edits) => edits !== UNEDITED) + 1); }

  /** Follows a transaction of a document; lines that it does not touch keep theirs wherever they move. Returns what it did. */
  note({ startState, state, changes }: Transaction, mark: EditMark): LineChange[] {
    this.#fill(startState.doc.lines);
    const done: LineChange[] = [];
    let moved = 0; // lines by which the changes before have moved those behind them
    changes.iterChanges((fromA, toA, fromB, toB) => {
      const [firstA, lastA] = [startState.doc.lineAt(fromA), startState.doc.lineAt(toA)];
      const [firstB, lastB] = [state.doc.lineAt(fromB), state.doc.lineAt(toB)];
      const start = firstA.number - 1 + moved;
      const count = lastA.number - firstA.number + 1;
      const replaced = this.#lines.slice(start, start + count);
      const isInsertedLines = fromA === toA && lastB.number > firstB.number;
      // Of a line that is divided, the part before keeps its edits; what is put above a line leaves it alone.
      const isAbove = fromA === firstA.from && (fromA === toA || toA === lastA.from) && toB === lastB.from;
      const entries: LineEdits[] = [];
      for (let number = firstB.number; number <= lastB.number; number += 1) {
        const line = state.doc.line(number);
        const isOld = number === (isAbove ? lastB.number : firstB.number);
        const edits = (isOld ? replaced.at(isAbove ? -1 : 0) : undefined) ?? UNEDITED;
        const [from, to] = [Math.max(fromB - line.from, 0), Math.min(toB, line.to) - line.from];
        const isUntouched = isOld && isInsertedLines && from === to;
        const kind = isOld ? { added: toB > fromB, deleted: toA > fromA } : { added: true, deleted: false };
        entries.push(isUntouched ? edits : edited(edits, mark, characterSpan(line, from, to), kind));
      }
      const change = { start, count, lines: entries };
      this.apply(change);
      done.push(change);
      moved += entries.length - count;
    });
    return done;
  }

  /** Does again what an edit did. */
  apply({ start, count, lines }: LineChange): void {
    this.#fill(start + count);
    if (lines.length < MOST_ARGUMENTS) this.#lines.splice(start, count, ...lines);
    else this.#lines = [...this.#lines.slice(0, start), ...lines, ...this.#lines.slice(start + count)];
  }

  /** Edits that led to a turn lead to another one now. */
  renumber(turnNow: (turn: number) => number): void { this.#lines = this.#lines.map((edits) => renumbered(edits, turnNow)); }

  /** Takes a mark away from the lines that still have it. */
  unmark(flag: SpecialFlag): void {
    this.#lines = this.#lines.map((edits) => edits.human?.specialFlags.includes(flag)
      ? { ...edits, human: { ...edits.human, specialFlags: edits.human.specialFlags.filter((other) => other !== flag) } } : edits);
  }

  /** Entries by line, up to the last that has one. turn: of the state in which the cursor was placed; latest: of the state. */
  entries(state: EditorState, turn: number, latest: number): LineEntry[] {
    this.#fill(state.doc.lines);
    const { head } = state.selection.main;
    const cursorLine = state.doc.lineAt(head).number - 1;
    const count = Math.max(cursorLine, this.#lines.findLastIndex((edits) => edits !== UNEDITED)) + 1;
    return this.#lines.slice(0, count).map((edits, i) => ({
      ...until(edits, latest), ...(i === cursorLine ? { cursor: { turn, char: fileColumn(state, head) + 1 } } : {}),
    }));
  }

  #fill(count: number): void {
    while (this.#lines.length < count) this.#lines.push(UNEDITED);
  }
}

function edited(edits: LineEdits, { by, turn, seconds, flags }: EditMark, span: [number, number], kind: { added: boolean; deleted: boolean }): LineEdits {
  const earlier = edits[by]?.turn === turn ? edits[by] : null;
  const added = kind.added || earlier?.actions[0] === 1;
  const deleted = kind.deleted || earlier?.actions[1] === 1;
  const edit: LineEdit = {
    turn, seconds,
    span: earlier ? [Math.min(span[0], earlier.span[0]), Math.max(span[1], earlier.span[1])] : span,
    actions: [Number(added), Number(deleted), Number(added && deleted)],
    specialFlags: [...new Set([...(earlier?.specialFlags ?? []), ...flags])],
  };
  return { ...edits, [by]: edit };
}

function characterSpan(line: Line, from: number, to: number): [number, number] {
  const start = countCharacters(line.text.slice(0, from));
  return [start, start + countCharacters(line.text.slice(from, Math.max(from, to)))];
}

export function renumbered<Edits extends LineEdits>(edits: Edits, turnNow: (turn: number) => number): Edits {
  const { human, assistant } = edits;
  if (human === undefined && assistant === undefined) return edits;
  return {
    ...edits, ...(human && { human: { ...human, turn: turnNow(human.turn) } }), ...(assistant && { assistant: { ...assistant, turn: turnNow(assistant.turn) } }),
  };
}

// Edits of a state that was never sent count as those of the one that took its place.
function until(edits: LineEdits, latest: number): LineEntry {
  const entry: LineEntry = {};
  for (const by of ["human", "assistant"] as const) {
    const edit = edits[by];
    if (edit) entry[by] = edit.turn > latest ? { ...edit, turn: latest } : edit;
  }
  return entry;
}
