// What is pasted and dropped: its line ends, and whether it is a large text from elsewhere. Not here: what follows from that.
import type { Extension, Text, Transaction } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

const LARGE_CHARACTERS = 200;
const LARGE_LINES = 5;

/** Remembers what was last copied out of one document. */
export class DocumentClipboard {
  #copied: string | null = null;

  readonly extension: Extension = [
    EditorView.clipboardInputFilter.of((text) => text.replaceAll("\r\n", "\n")),
    EditorView.clipboardOutputFilter.of((text) => {
      this.#copied = text;
      return text;
    }),
  ];

  /** Whether a transaction pastes a large text that was not copied out of this document. */
  isLargePaste(transaction: Transaction): boolean {
    if (!transaction.isUserEvent("input.paste") && !transaction.isUserEvent("input.drop")) return false;
    let isLarge = false;
    transaction.changes.iterChanges((_fromA, _toA, _fromB, _toB, inserted) => {
      isLarge ||= isLargeText(inserted) && inserted.toString() !== this.#copied;
    });
    return isLarge;
  }
}

function isLargeText(text: Text): boolean {
  const lines = text.line(text.lines).length ? text.lines : text.lines - 1;
  return text.length >= LARGE_CHARACTERS || lines >= LARGE_LINES;
}
