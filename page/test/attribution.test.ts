import assert from "node:assert/strict";
import { test } from "node:test";
import { EditorState, type TransactionSpec } from "@codemirror/state";
import { openFile } from "../src/editor/coordinates";
import { type EditMark, LineAttribution, type LineEntry } from "../src/recording/attribution";

const BY_HAND: EditMark = { by: "human", turn: 1, seconds: 7, flags: [] };

/** A document, edited, and who edited its lines. */
class Edited {
  readonly attribution = new LineAttribution();
  state: EditorState;

  constructor(text: string) {
    const { doc, extension } = openFile(text);
    this.state = EditorState.create({ doc, extensions: extension });
  }

  change(changes: NonNullable<TransactionSpec["changes"]>, mark: Partial<EditMark> = {}): this {
    const transaction = this.state.update({ changes });
    this.attribution.note(transaction, { ...BY_HAND, ...mark });
    this.state = transaction.state;
    return this;
  }

  entries(latest = 99): LineEntry[] {
    return this.attribution.entries(this.state, 1, latest);
  }

  /** Spans of the person's edits, by line; null: none. */
  spans(): ([number, number] | null)[] {
    const entries = this.entries();
    return Array.from({ length: this.state.doc.lines }, (_, i) => entries[i]?.human?.span ?? null);
  }
}

test("lines that an edit does not touch keep theirs wherever they move", () => {
  const edited = new Edited("a\nb\nc").change({ from: 5, insert: "!" }).change({ from: 0, insert: "new\nlines\n" });
  assert.deepEqual(edited.spans(), [[0, 3], [0, 5], null, null, [1, 2]]);
  edited.change({ from: 0, to: 10 });
  assert.deepEqual(edited.spans().slice(1), [null, [1, 2]]);
});

test("a line end behind a line and one before it leave the line alone", () => {
  assert.deepEqual(new Edited("a\nb").change({ from: 1, insert: "\n" }).spans(), [null, [0, 0], null]);
  assert.deepEqual(new Edited("a\nb").change({ from: 2, insert: "\n" }).spans(), [null, [0, 0], null]);
});

test("of a divided line the part before keeps its edits; joined lines are edited", () => {
  assert.deepEqual(new Edited("ab\nc").change({ from: 1, insert: "\n" }).spans(), [null, [0, 0], null]);
  assert.deepEqual(new Edited("ab\nc").change({ from: 2, to: 3 }).spans(), [[2, 2]]);
});

test("spans are characters, and edits of one turn are one edit", () => {
  const edited = new Edited("😀x").change({ from: 3, insert: "😀" }).change({ from: 2, to: 3 });
  assert.deepEqual(edited.entries()[0]?.human, { turn: 1, span: [1, 3], actions: [1, 1, 1], seconds: 7, specialFlags: [] });
  edited.change({ from: 0, insert: "y" }, { turn: 3 });
  assert.deepEqual(edited.entries()[0]?.human?.span, [0, 1]);
});

test("several changes of one transaction each find their lines", () => {
  const edited = new Edited("a\nb\nc\nd").change([{ from: 0, insert: "1\n" }, { from: 3, to: 5 }, { from: 7, insert: "9" }]);
  assert.equal(edited.state.doc.toString(), "1\na\nb\nd9");
  assert.deepEqual(edited.spans(), [[0, 1], null, [1, 1], [1, 2]]);
});

test("the person and the assistant have an edit each, with what it is marked with", () => {
  const edited = new Edited("a").change({ from: 1, insert: "b" }, { by: "assistant", turn: 2 }).change({ from: 1, to: 2 }, { turn: 3, flags: ["undo"] });
  const [entry] = edited.entries(2);
  assert.deepEqual([entry?.assistant?.turn, entry?.human?.turn, entry?.human?.specialFlags], [2, 2, ["undo"]]);
  edited.change({ from: 0, insert: "x\ny" }, { turn: 4, flags: ["paste"] });
  edited.attribution.unmark("paste");
  assert.deepEqual(edited.entries().map(({ human }) => human?.specialFlags), [[], []]);
});

test("of each line is told where the cursor is, in characters from 1", () => {
  const edited = new Edited("😀ab\n");
  edited.state = edited.state.update({ selection: { anchor: 3 } }).state;
  assert.deepEqual(edited.entries(), [{ cursor: { turn: 1, char: 3 } }]);
});
