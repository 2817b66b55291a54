import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangeSet, Text } from "@codemirror/state";
import { RejectedTexts } from "../../src/assistant/rejected";

const DOCUMENT = Text.of(Array.from({ length: 20 }, (_, i) => `line ${i}`));

test("a rejected text does not come back near its place, however it is indented", () => {
  const rejected = new RejectedTexts();
  rejected.add("return  a\n", DOCUMENT.line(10).from);
  assert.ok(rejected.has("    return a", DOCUMENT, DOCUMENT.line(12).from));
  assert.ok(!rejected.has("return b", DOCUMENT, DOCUMENT.line(10).from));
  assert.ok(!rejected.has("return a", DOCUMENT, DOCUMENT.line(18).from));
});

test("the place of a rejected text moves with the lines around it", () => {
  const rejected = new RejectedTexts();
  rejected.add("return a", DOCUMENT.line(10).from);
  const changes = ChangeSet.of({ from: 0, insert: "x\n".repeat(10) }, DOCUMENT.length);
  rejected.map(changes.desc);
  const later = changes.apply(DOCUMENT);
  assert.ok(rejected.has("return a", later, later.line(20).from));
  assert.ok(!rejected.has("return a", later, later.line(10).from));
});

test("blanks alone are nothing to reject", () => {
  const rejected = new RejectedTexts();
  rejected.add("   \n", 0);
  assert.ok(!rejected.has("", DOCUMENT, 0));
});
