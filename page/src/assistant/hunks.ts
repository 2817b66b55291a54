// What an edit changes: places as small as can be, whole lines where lines are new, words within lines; and parts of it.
// Positions are those of the text before. Not here: the editor.
import { type Difference, difference } from "../editor/difference";

export type Hunk = Difference;

export type Unit = "word" | "line";

const MOST_CELLS = 1_000_000; // of a table of two texts' pieces
const LEAST_IN_COMMON = 0.4;

/** What turns one text into the other, in order. */
export function hunksBetween(before: string, after: string): Hunk[] {
  const [oldLines, newLines] = [linesOf(before), linesOf(after)];
  const offsets = offsetsOf(oldLines);
  return changedRuns(oldLines, newLines).flatMap((run) => {
    const removed = oldLines.slice(run.from, run.to).join("");
    const inserted = newLines.slice(run.newFrom, run.newTo).join("");
    return wordHunks(removed, inserted).map((hunk) => ({ ...hunk, from: hunk.from + (offsets[run.from] ?? before.length) }));
  });
}

export function applyHunks(text: string, hunks: readonly Hunk[]): string {
  let result = "";
  let end = 0;
  for (const { from, removed, inserted } of hunks) {
    result += text.slice(end, from) + inserted;
    end = from + removed.length;
  }
  return result + text.slice(end);
}

/** The first `count` words or lines of an edit of `before`; what follows is left as it was. null: that is all of it. */
export function firstPart(before: string, hunks: readonly Hunk[], unit: Unit, count: number): Hunk[] | null {
  const ends = unit === "word" ? hunks.flatMap((hunk, index) => wordEnds(hunk).map((end) => ({ index, end }))) : lineEnds(before, hunks);
  const last = ends[count - 1];
  if (last === undefined || count >= ends.length) return null;
  return hunks.slice(0, last.index + 1).map((hunk, index) => (index < last.index ? hunk : beginning(hunk, last.end)));
}

function beginning(hunk: Hunk, end: number): Hunk {
  const inserted = hunk.inserted.slice(0, end);
  return { ...hunk, inserted: isWholeLines(hunk) && !inserted.endsWith("\n") ? `${inserted}\n` : inserted };
}

/** Whether it adds lines above one, so that its last line end must stay. */
function isWholeLines({ inserted }: Hunk): boolean {
  return inserted.endsWith("\n") && !inserted.startsWith("\n");
}

function wordEnds({ inserted }: Hunk): number[] {
  const ends = [...inserted.matchAll(/\s*(?:[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]+)/gu)].map((word) => word.index + word[0].length);
  return ends.length ? [...ends.slice(0, -1), inserted.length] : [inserted.length];
}

function lineEnds(before: string, hunks: readonly Hunk[]): { index: number; end: number }[] {
  const ends: { index: number; end: number }[] = [];
  let latestLine = -1;
  hunks.forEach((hunk, index) => {
    const pieces = isWholeLines(hunk) ? linesOf(hunk.inserted) : hunk.inserted.split(/(?=\n)/);
    const line = before.slice(0, hunk.from).split("\n").length;
    let end = 0;
    pieces.forEach((piece, i) => {
      end += piece.length;
      if (i === 0 && line === latestLine) ends.pop();
      ends.push({ index, end });
    });
    if (!pieces.length) ends.push({ index, end: 0 });
    latestLine = pieces.length > 1 || /\n/.test(hunk.removed) ? -1 : line;
  });
  return ends;
}

function wordHunks(removed: string, inserted: string): Hunk[] {
  const [oldWords, newWords] = [wordsOf(removed), wordsOf(inserted)];
  const runs = changedRuns(oldWords, newWords);
  const offsets = offsetsOf(oldWords);
  const hunks = runs.map((run) => ({
    from: offsets[run.from] ?? removed.length,
    removed: oldWords.slice(run.from, run.to).join(""),
    inserted: newWords.slice(run.newFrom, run.newTo).join(""),
  }));
  const changed = solid(hunks.map((hunk) => hunk.removed).join(""));
  const isOneThing = hunks.length <= 1 || changed <= solid(removed) * (1 - LEAST_IN_COMMON);
  return isOneThing ? hunks : [difference(removed, inserted)];
}

function solid(text: string): number {
  return text.replace(/\s+/g, "").length;
}

function linesOf(text: string): string[] {
  return text.split(/(?<=\n)/).filter(Boolean);
}

function wordsOf(text: string): string[] {
  return text.match(/\n|[^\S\n]+|[\p{L}\p{M}\p{N}_]+|[^\s]/gu) ?? [];
}

function offsetsOf(pieces: readonly string[]): number[] {
  let offset = 0;
  return pieces.map((piece) => (offset += piece.length) - piece.length);
}

interface Run { from: number; to: number; newFrom: number; newTo: number }

/** Runs of pieces that differ, by a longest common subsequence; of very long ones all that lies between equal ends. */
function changedRuns(before: readonly string[], after: readonly string[]): Run[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const [old, fresh] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  if (!old.length && !fresh.length) return [];
  if (!old.length || !fresh.length || old.length * fresh.length > MOST_CELLS) {
    return [{ from: start, to: start + old.length, newFrom: start, newTo: start + fresh.length }];
  }
  return runsBetween(old, fresh).map((run) => ({
    from: run.from + start, to: run.to + start, newFrom: run.newFrom + start, newTo: run.newTo + start,
  }));
}

function runsBetween(before: readonly string[], after: readonly string[]): Run[] {
  const lengths = commonLengths(before, after);
  const width = after.length + 1;
  const runs: Run[] = [];
  let [i, j, from, newFrom] = [0, 0, 0, 0];
  const close = () => {
    if (i > from || j > newFrom) runs.push({ from, to: i, newFrom, newTo: j });
  };
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      close();
      i += 1;
      j += 1;
      [from, newFrom] = [i, j];
    } else if ((lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0)) i += 1;
    else j += 1;
  }
  [i, j] = [before.length, after.length];
  close();
  return runs;
}

/** Length of the longest common subsequence of what follows in both, for every pair of places. */
function commonLengths(before: readonly string[], after: readonly string[]): Uint32Array {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = before[i] === after[j]
        ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1
        : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0);
    }
  }
  return lengths;
}
