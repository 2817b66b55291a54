// An editor without a window, for tests of what the assistant does to a document.
import assert from "node:assert/strict";
import { history } from "@codemirror/commands";
import { EditorState, type StateCommand, type Transaction, type TransactionSpec } from "@codemirror/state";
import { originOf } from "../../src/editor/origins";
import { hunksBetween } from "../../src/assistant/hunks";
import { fatesOf, freshEdits, type PlacedEdit, placedEdits } from "../../src/assistant/placed-edits";
import { newEdit, placingTransaction } from "../../src/assistant/placing";
import { partsAreTheAssistants } from "../../src/assistant/taking-back";

/** What is dispatched follows on each other. */
export class Editing {
  fates: string[] = [];
  origins: string[] = [];
  #count = 0;

  constructor(public state: EditorState) {}

  dispatch(transaction: Transaction): this {
    this.fates.push(...fatesOf(transaction).map(({ fate }) => fate));
    if (transaction.docChanged) this.origins.push(originOf(transaction));
    this.state = transaction.state;
    return this;
  }

  type(insert: string, from = this.state.doc.length): this {
    return this.dispatch(this.state.update({ changes: { from, insert }, selection: { anchor: from + insert.length }, userEvent: "input.type" }));
  }

  change(spec: TransactionSpec): this {
    return this.dispatch(this.state.update(spec));
  }

  place(after: string): this {
    const hunks = hunksBetween(this.text, after);
    return this.dispatch(placingTransaction(this.state, newEdit(this.state, hunks, "code", `r${(this.#count += 1)}`), "words"));
  }

  run(command: StateCommand): this {
    command({ state: this.state, dispatch: (transaction) => this.dispatch(transaction) });
    return this;
  }

  follow(transactions: readonly Transaction[]): this {
    for (const transaction of transactions) this.dispatch(transaction);
    return this;
  }

  /** The edit that can be taken back, the latest. */
  get edit(): PlacedEdit {
    const edit = freshEdits(this.state).at(-1);
    assert.ok(edit);
    return edit;
  }

  get text(): string {
    return this.state.doc.toString();
  }
}

export function editing(text = ""): Editing {
  return new Editing(EditorState.create({ doc: text, extensions: [history(), placedEdits, partsAreTheAssistants()] }));
}
