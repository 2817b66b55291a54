// What is pasted, dropped, or pasted again by redo: its line ends, and whether it is a large text from elsewhere. Not here: what follows from that.
import type { Extension, Text, Transaction } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

const LARGE_CHARACTERS = 200;
const LARGE_LINES = 5;

/** Remembers what was last copied out of one document. */
export class DocumentClipboard {
  #copied: string | null = null;
  readonly #largePastes = new Set<string>();

  readonly extension: Extension = [
    EditorView.clipboardInputFilter.of((text) => text.replaceAll("\r\n", "\n")),
    EditorView.clipboardOutputFilter.of((text) => {
      this.#copied = text;
      return text;
    }),
  ];

  /** Whether a transaction pastes a large text that was not copied out of this document, or does so again. */
  isLargePaste(transaction: Transaction): boolean {
    const isRedo = transaction.isUserEvent("redo");
    if (!isRedo && !transaction.isUserEvent("input.paste") && !transaction.isUserEvent("input.drop")) return false;
    let isLarge = false;
    transaction.changes.iterChanges((_fromA, _toA, _fromB, _toB, inserted) => {
      if (!isLargeText(inserted)) return;
      const text = inserted.toString();
      if (isRedo ? !this.#largePastes.has(text) : text === this.#copied) return;
      this.#largePastes.add(text);
      isLarge = true;
    });
    return isLarge;
  }
}

function isLargeText(text: Text): boolean {
  const lines = text.line(text.lines).length ? text.lines : text.lines - 1;
  return text.length >= LARGE_CHARACTERS || lines >= LARGE_LINES;
}
