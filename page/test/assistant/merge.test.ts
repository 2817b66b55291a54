import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangeSet, Text } from "@codemirror/state";
import { applyHunks, hunksBetween } from "../../src/assistant/hunks";
import { mergedHunks, movedLines } from "../../src/assistant/merge";

const ASKED = "a = 1\n\nb = 2\n\nc = 3";
const ANSWER = "a = 1\n\nb = 2 + a\n\nc = 3";

/** The text after the person changed it at `from`, and the answer came; null: it was dropped. line: of the decision. */
function merged(from: number, to: number, insert: string, { answer = ANSWER, line = 3 } = {}): string | null {
  const document = Text.of(ASKED.split("\n"));
  const since = ChangeSet.of({ from, to, insert }, document.length);
  const hunks = mergedHunks(document, hunksBetween(ASKED, answer), line, since.desc);
  return hunks && applyHunks(since.apply(document).toString(), hunks);
}

test("a text is merged where the person changed other lines", () => {
  assert.equal(merged(0, 0, "# first\n"), "# first\na = 1\n\nb = 2 + a\n\nc = 3");
  assert.equal(merged(ASKED.length, ASKED.length, " + 1\nd = 4"), "a = 1\n\nb = 2 + a\n\nc = 3 + 1\nd = 4");
  assert.equal(merged(5, 5, "0\nx"), "a = 10\nx\n\nb = 2 + a\n\nc = 3");
});

test("a text is dropped where the person changed its line", () => {
  assert.equal(merged(7, 7, "    "), null);
  assert.equal(merged(12, 12, "0"), null);
  assert.equal(merged(11, 12, "3"), null);
  assert.equal(merged(0, ASKED.length, ""), null);
});

test("lines that are put below the decision's line need that to be as it was", () => {
  const answer = "a = 1\n\nb = 2\nprint(b)\n\nc = 3";
  assert.equal(merged(12, 12, "0", { answer }), null);
  assert.equal(merged(0, 1, "z", { answer }), "z = 1\n\nb = 2\nprint(b)\n\nc = 3");
});

test("nothing to merge is nothing, however much was typed", () => {
  assert.equal(merged(0, 0, "x", { answer: ASKED, line: 0 }), `x${ASKED}`);
});

test("lines are found again after what was typed, and after what was put in at their beginning", () => {
  const document = Text.of(ASKED.split("\n"));
  const change = ChangeSet.of([{ from: 0, insert: "# first\n" }, { from: 7, insert: "x\ny\n" }], document.length);
  assert.deepEqual([...movedLines(document, [1, 2, 3, 0, 99], change.desc, change.apply(document))], [[1, 2], [2, 3], [3, 6]]);
  assert.deepEqual([...movedLines(document, [1, 2, 5], ChangeSet.empty(document.length).desc, document)], []);
});
