import assert from "node:assert/strict";
import { test } from "node:test";
import { difference } from "../src/editor/difference";

test("the difference leads from one text to the other", () => {
  const texts = ["", "a", "ab", "aab", "x = 1\n", "x = 1\ny = 2\n", "😀", "a😀b", "a😁b", "\ud83d", "😀😀"];
  for (const before of texts) {
    for (const after of texts) {
      const { from, removed, inserted } = difference(before, after);
      assert.equal(before.slice(from, from + removed.length), removed);
      assert.equal(before.slice(0, from) + inserted + before.slice(from + removed.length), after);
    }
  }
});

test("the difference never begins or ends inside of a character", () => {
  assert.deepEqual(difference("a😀b", "a😁b"), { from: 1, removed: "😀", inserted: "😁" });
});
