import assert from "node:assert/strict";
import { test } from "node:test";
import { history, redo, undo } from "@codemirror/commands";
import { EditorState, type StateCommand } from "@codemirror/state";
import { DocumentClipboard } from "../src/editor/clipboard";

const LARGE = "x = 1\n".repeat(6);

/** A document, and whether each change of it was a large paste. */
class Pasting {
  readonly clipboard = new DocumentClipboard();
  readonly large: boolean[] = [];
  state = EditorState.create({ extensions: history() });

  insert(insert: string, userEvent: string): this {
    return this.run(({ state, dispatch }) => {
      dispatch(state.update({ changes: { from: 0, insert }, userEvent }));
      return true;
    });
  }

  run(command: StateCommand): this {
    command({ state: this.state, dispatch: (transaction) => {
      this.large.push(this.clipboard.isLargePaste(transaction));
      this.state = transaction.state;
    } });
    return this;
  }
}

test("a large text is one when it is pasted, and when redo pastes it again", () => {
  assert.deepEqual(new Pasting().insert(LARGE, "input.paste").run(undo).run(redo).large, [true, false, true]);
  assert.deepEqual(new Pasting().insert(LARGE, "input.drop").run(undo).run(redo).large, [true, false, true]);
});

test("what was typed or is small is none when redo brings it back", () => {
  assert.deepEqual(new Pasting().insert(LARGE, "input.type").run(undo).run(redo).large, [false, false, false]);
  assert.deepEqual(new Pasting().insert("x", "input.paste").run(undo).run(redo).large, [false, false, false]);
});
