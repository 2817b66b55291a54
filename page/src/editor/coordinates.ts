// The file as the protocol counts it: characters (code points), where CodeMirror counts UTF-16 units.
import type { EditorState, Text } from "@codemirror/state";

/** The whole file. */
export function fileText(state: EditorState): string {
  return state.doc.toString();
}

/** Characters before a position of the document. */
export function filePosition(state: EditorState, position: number): number {
  return countCharacters(state.doc.sliceString(0, position));
}

export function countCharacters(text: string): number {
  let count = text.length;
  for (let i = 0; i + 1 < text.length; i += 1) {
    if (isHighSurrogate(text.charCodeAt(i)) && isLowSurrogate(text.charCodeAt(i + 1))) {
      count -= 1;
      i += 1;
    }
  }
  return count;
}

/** Whether a position lies inside of a character. */
export function isInsideCharacter(document: Text, position: number): boolean {
  const around = document.sliceString(Math.max(position - 1, 0), position + 1);
  return around.length === 2 && isHighSurrogate(around.charCodeAt(0)) && isLowSurrogate(around.charCodeAt(1));
}

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;
