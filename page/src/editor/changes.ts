// What a transaction does to the file: its changes one after the other, in whole characters of the file.
import type { Text, Transaction } from "@codemirror/state";
import { filePosition, fileSlice, hasSurrogates, isPair } from "./coordinates";

/** Takes away `deleted` characters at `position` and puts `inserted` there, in the file as the changes before leave it. */
export interface FileChange {
  position: number;
  deleted: number;
  inserted: string;
}

export function fileChanges({ startState, state, changes }: Transaction): FileChange[] {
  const list: FileChange[] = [];
  changes.iterChanges((fromA, toA, fromB, toB) => {
    const before = unitBefore(startState.doc, fromA);
    const after = unitAfter(startState.doc, toA);
    // A character that the change divides or joins belongs to it as a whole.
    const isWiderBefore = [startState.doc.sliceString(fromA, fromA + 1), toB > fromB ? unitAfter(state.doc, fromB) : after]
      .some((unit) => isPair(before + unit));
    const isWiderAfter = [startState.doc.sliceString(Math.max(toA - 1, 0), toA), unitBefore(state.doc, toB)]
      .some((unit) => isPair(unit + after));
    const [left, right] = [isWiderBefore ? 1 : 0, isWiderAfter ? 1 : 0];
    list.push({
      position: filePosition(state, fromB - left),
      deleted: filePosition(startState, toA + right) - filePosition(startState, fromA - left),
      inserted: fileSlice(state, fromB - left, toB + right),
    });
  });
  return list;
}

/** The text after changes. */
export function applyChanges(text: string, changes: readonly FileChange[]): string {
  let isPlain = !hasSurrogates(text);
  for (const { position, deleted, inserted } of changes) {
    isPlain &&= !hasSurrogates(inserted);
    const start = isPlain ? position : unitsOf(text, 0, position);
    const end = isPlain ? start + deleted : unitsOf(text, start, deleted);
    text = text.slice(0, start) + inserted + text.slice(end);
  }
  return text;
}

function unitsOf(text: string, start: number, characters: number): number {
  let unit = start;
  for (let i = 0; i < characters; i += 1) unit += (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
  return unit;
}

function unitBefore(document: Text, position: number): string {
  return position > 0 ? document.sliceString(position - 1, position) : "";
}

function unitAfter(document: Text, position: number): string {
  return document.sliceString(position, position + 1);
}
