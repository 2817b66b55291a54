import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBlocks } from "../src/components/prose";

test("paragraphs and indented examples are told apart", () => {
  assert.deepEqual(parseBlocks("One\nmore line.\n\nTwo:\n\n    >>> f(1)\n\n    2\n\nEnd"), [
    { kind: "words", text: "One\nmore line." }, { kind: "words", text: "Two:" }, { kind: "code", text: ">>> f(1)\n\n2" }, { kind: "words", text: "End" },
  ]);
});

test("text with markup in it stays text", () => {
  assert.deepEqual(parseBlocks("<img src=x onerror=alert(1)>"), [{ kind: "words", text: "<img src=x onerror=alert(1)>" }]);
  assert.deepEqual(parseBlocks(""), []);
});
