// The file that a document stands for. A document's lines end by \n alone and its positions are UTF-16 units; the file
// keeps each line's own end and its byte order mark, and its positions are characters, of which \r\n is two.
import { invertedEffects } from "@codemirror/commands";
import {
  EditorState, type Extension, MapMode, RangeSet, RangeSetBuilder, RangeValue, StateEffect, StateField, Text, type Transaction,
  type TransactionSpec,
} from "@codemirror/state";
import { difference } from "./difference";

export type LineEnd = "\n" | "\r\n";

const BYTE_ORDER_MARK = "\ufeff";
const PAIR = /[\ud800-\udbff][\udc00-\udfff]/g;
const SURROGATE = /[\ud800-\udfff]/;

class Mark extends RangeValue {
  override startSide = 1;
  override endSide = -1;
}

const MARK = new Mark();

interface FileMarks {
  /** "" or a byte order mark. */
  start: string;
  /** How lines end that are not in `otherEnds`, and new ones. */
  lineEnd: LineEnd;
  /** The line breaks of the document that end their lines the other way. */
  otherEnds: RangeSet<Mark>;
  /** Characters that are two units. */
  pairs: RangeSet<Mark>;
}

/** Line breaks at these positions of the new document end their lines the other way than most. */
const otherEndsEffect = StateEffect.define<readonly number[]>({
  map: (positions, changes) => positions.flatMap((position) => changes.mapPos(position, 1, MapMode.TrackAfter) ?? []),
});

const NO_MARKS: FileMarks = { start: "", lineEnd: "\n", otherEnds: RangeSet.empty, pairs: RangeSet.empty };

const fileMarks = StateField.define<FileMarks>({
  create: (state) => ({ ...NO_MARKS, pairs: pairsOf(state.doc.toString()) }),
  update(marks, transaction) {
    if (!transaction.docChanged && !transaction.effects.length) return marks;
    const otherEnds = updatedEnds(marks.otherEnds, transaction);
    const pairs = transaction.docChanged ? updatedPairs(marks.pairs, transaction) : marks.pairs;
    return otherEnds === marks.otherEnds && pairs === marks.pairs ? marks : { ...marks, otherEnds, pairs };
  },
});

const keepEndsInHistory = invertedEffects.of((transaction) => {
  const { otherEnds } = marksOf(transaction.startState);
  const positions: number[] = [];
  if (otherEnds.size) {
    transaction.changes.iterChangedRanges((from, to) => {
      otherEnds.between(from, to, (start) => { if (start >= from && start < to) positions.push(start); });
    });
  }
  return positions.length ? [otherEndsEffect.of(positions)] : [];
});

/** A file as a document and the extension that remembers what the document leaves out. */
export function openFile(text: string): { doc: Text; extension: Extension } {
  const start = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : "";
  const { lines, ends } = splitLines(start ? text.slice(start.length) : text);
  const lineEnd: LineEnd = 2 * ends.filter((end) => end === "\r\n").length > ends.length ? "\r\n" : "\n";
  const doc = Text.of(lines);
  const otherEnds = marksAt(otherPositions(lines, ends, lineEnd), 1);
  const marks: FileMarks = { start, lineEnd, otherEnds, pairs: SURROGATE.test(text) ? pairsOf(lines.join("\n")) : RangeSet.empty };
  return { doc, extension: [fileMarks.init(() => marks), keepEndsInHistory, EditorState.lineSeparator.of("\n")] };
}

/** The whole file. */
export function fileText(state: EditorState): string {
  return marksOf(state).start + fileSlice(state, 0, state.doc.length);
}

/** What the file has between two positions of the document. */
export function fileSlice(state: EditorState, from: number, to: number): string {
  const { lineEnd, otherEnds } = marksOf(state);
  const other: LineEnd = lineEnd === "\n" ? "\r\n" : "\n";
  let text = "";
  let start = from;
  if (otherEnds.size) {
    otherEnds.between(from, to, (position) => {
      if (position < from || position >= to) return;
      text += state.doc.sliceString(start, position, lineEnd) + other;
      start = position + 1;
    });
  }
  return text + state.doc.sliceString(start, to, lineEnd);
}

/** Characters of the file before a position of the document. */
export function filePosition(state: EditorState, position: number): number {
  const { start, pairs } = marksOf(state);
  return start.length + position + carriageReturnsBefore(state, position) - countBefore(pairs, position);
}

/** The position of the document before which the file has so many characters; the nearest before one inside of a line end. */
export function documentPosition(state: EditorState, characters: number): number {
  let low = 0;
  let high = state.doc.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (filePosition(state, middle) <= characters) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Characters of a position's line before it. */
export function fileColumn(state: EditorState, position: number): number {
  const line = state.doc.lineAt(position);
  return filePosition(state, position) - (line.number === 1 ? 0 : filePosition(state, line.from));
}

/** How new lines end. */
export function newLineEnd(state: EditorState): LineEnd {
  return marksOf(state).lineEnd;
}

/** Puts text of a file, with its line ends, where the document has `from` to `to`. */
export function replaceInFile(state: EditorState, from: number, to: number, text: string): TransactionSpec {
  const { lines, ends } = splitLines(text);
  const positions = otherPositions(lines, ends, marksOf(state).lineEnd).map((position) => position + from);
  return { changes: { from, to, insert: Text.of(lines) }, effects: positions.length ? otherEndsEffect.of(positions) : [] };
}

/** Makes the file `text`, changing only the stretch that differs; null: it is already. */
export function replaceFile(state: EditorState, text: string): TransactionSpec | null {
  const before = fileText(state);
  if (before === text) return null;
  const { from, to, inserted } = withWholeLineEnds(before, text);
  return replaceInFile(state, unitPosition(state, from), unitPosition(state, to), inserted);
}

/** Characters of a text. */
export function countCharacters(text: string): number {
  return SURROGATE.test(text) ? text.length - (text.match(PAIR)?.length ?? 0) : text.length;
}

export function hasSurrogates(text: string): boolean {
  return SURROGATE.test(text);
}

/** Whether two units are one character. */
export function isPair(units: string): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(units);
}

function marksOf(state: EditorState): FileMarks {
  return state.field(fileMarks, false) ?? NO_MARKS;
}

function carriageReturnsBefore(state: EditorState, position: number): number {
  const { lineEnd, otherEnds } = marksOf(state);
  const others = countBefore(otherEnds, position);
  return lineEnd === "\n" ? others : state.doc.lineAt(position).number - 1 - others;
}

function countBefore(marks: RangeSet<Mark>, position: number): number {
  let count = 0;
  if (marks.size) marks.between(0, position, (_, to) => { if (to <= position) count += 1; });
  return count;
}

function splitLines(text: string): { lines: string[]; ends: LineEnd[] } {
  const lines = text.split("\n");
  const ends: LineEnd[] = [];
  for (let i = 0; i + 1 < lines.length; i += 1) {
    const line = lines[i] ?? "";
    const isWithReturn = line.endsWith("\r");
    if (isWithReturn) lines[i] = line.slice(0, -1);
    ends.push(isWithReturn ? "\r\n" : "\n");
  }
  return { lines, ends };
}

function otherPositions(lines: readonly string[], ends: readonly LineEnd[], lineEnd: LineEnd): number[] {
  const positions: number[] = [];
  let position = 0;
  ends.forEach((end, i) => {
    position += lines[i]?.length ?? 0;
    if (end !== lineEnd) positions.push(position);
    position += 1;
  });
  return positions;
}

function marksAt(positions: readonly number[], length: number): RangeSet<Mark> {
  const builder = new RangeSetBuilder<Mark>();
  for (const position of positions) builder.add(position, position + length, MARK);
  return builder.finish();
}

function pairsOf(text: string): RangeSet<Mark> {
  return marksAt([...text.matchAll(PAIR)].map((match) => match.index), 2);
}

function updatedEnds(marks: RangeSet<Mark>, { changes, effects, newDoc }: Transaction): RangeSet<Mark> {
  if (marks.size && !changes.empty) {
    marks = withoutMarks(marks, changedRanges(changes, 0), (start, from, to) => start >= from && start < to).map(changes);
  }
  const positions = effects.flatMap((effect) => (effect.is(otherEndsEffect) ? effect.value : []))
    .filter((position) => newDoc.sliceString(position, position + 1) === "\n");
  if (!positions.length) return marks;
  return marks.update({ add: [...new Set(positions)].map((position) => MARK.range(position, position + 1)), sort: true });
}

function updatedPairs(marks: RangeSet<Mark>, { changes, newDoc }: Transaction): RangeSet<Mark> {
  const around = 2; // units of the unchanged text with which a change can make or split a character
  if (marks.size) {
    marks = withoutMarks(marks, changedRanges(changes, around), (start, from, to) => start >= from && start + 2 <= to).map(changes);
  }
  const added: number[] = [];
  for (const { fromB, toB } of changedRanges(changes, around)) {
    const start = Math.max(fromB, 0);
    for (const { index } of newDoc.sliceString(start, toB).matchAll(PAIR)) {
      if (start + index >= (added.at(-1) ?? -2) + 2) added.push(start + index);
    }
  }
  return added.length ? marks.update({ add: added.map((position) => MARK.range(position, position + 2)) }) : marks;
}

interface ChangedRange { fromA: number; toA: number; fromB: number; toB: number }

function changedRanges(changes: Transaction["changes"], around: number): ChangedRange[] {
  const ranges: ChangedRange[] = [];
  changes.iterChangedRanges((fromA, toA, fromB, toB) => {
    ranges.push({ fromA: fromA - around, toA: toA + around, fromB: fromB - around, toB: toB + around });
  });
  return ranges;
}

function withoutMarks(
  marks: RangeSet<Mark>, ranges: readonly ChangedRange[], isIn: (start: number, from: number, to: number) => boolean,
): RangeSet<Mark> {
  for (const { fromA, toA } of ranges) {
    marks = marks.update({ filter: (start) => !isIn(start, fromA, toA), filterFrom: Math.max(fromA, 0), filterTo: toA });
  }
  return marks;
}

// Units of the two texts, with no \r\n divided.
function withWholeLineEnds(before: string, after: string): { from: number; to: number; inserted: string } {
  let { from, removed, inserted } = difference(before, after);
  if (before[from - 1] === "\r" && (before[from] === "\n" || after[from] === "\n")) {
    from -= 1;
    removed = `\r${removed}`;
    inserted = `\r${inserted}`;
  }
  const end = from + removed.length;
  if (before[end] === "\n" && (before[end - 1] === "\r" || after[from + inserted.length - 1] === "\r")) {
    removed += "\n";
    inserted += "\n";
  }
  return { from, to: from + removed.length, inserted };
}

// The position of the document before which the file's text has so many units.
function unitPosition(state: EditorState, units: number): number {
  const { start } = marksOf(state);
  let low = 0;
  let high = state.doc.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (start.length + middle + carriageReturnsBefore(state, middle) <= units) low = middle;
    else high = middle - 1;
  }
  return low;
}
