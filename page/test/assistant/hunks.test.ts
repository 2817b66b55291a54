import assert from "node:assert/strict";
import { test } from "node:test";
import { applyHunks, firstPart, hunksBetween, type Unit } from "../../src/assistant/hunks";

const TEXTS = [
  "", "\n", "a", "a\n", "def f(a):\n    return a\n", "def f(a):\n    \n", "def f(a):\n    for x in a:\n        print(x)\n    return a",
  "# why\ndef f(a):\n    return a  # what\n", "x = foo(1)\ny = bar(2)\n", "x = foo(1, 3)\n\ny = baz(2)", "a😀b\n", "a😁b\n", "é\u0301 = 1", "\ud83d",
];

function parts(before: string, after: string, unit: Unit): string[] {
  const hunks = hunksBetween(before, after);
  const texts: string[] = [];
  for (let count = 1; ; count += 1) {
    const part = firstPart(before, hunks, unit, count);
    if (part === null) return texts;
    texts.push(applyHunks(before, part));
  }
}

test("the hunks lead from one text to the other, in order and apart", () => {
  for (const before of TEXTS) {
    for (const after of TEXTS) {
      const hunks = hunksBetween(before, after);
      assert.equal(applyHunks(before, hunks), after);
      let end = -1;
      for (const { from, removed, inserted } of hunks) {
        assert.ok(from > end && removed !== inserted);
        assert.equal(before.slice(from, from + removed.length), removed);
        end = from + removed.length;
      }
    }
  }
});

test("what stays the same is not touched: lines, and words within a line", () => {
  assert.deepEqual(hunksBetween("a\nb\nc\n", "a\nx\nb\nc\n"), [{ from: 2, removed: "", inserted: "x\n" }]);
  assert.deepEqual(hunksBetween("total = foo(1)\n", "total = bar(1)\n"), [{ from: 8, removed: "foo", inserted: "bar" }]);
  assert.deepEqual(hunksBetween("    ", "    if x:\n        y()"), [{ from: 4, removed: "", inserted: "if x:\n        y()" }]);
  assert.deepEqual(hunksBetween("a\nb\nc\nd\n", "#\na\nb\nc\n#\nd\n").map((hunk) => hunk.from), [0, 6]);
});

test("lines that have little in common are replaced in one piece", () => {
  assert.equal(hunksBetween("x = foo(a)\n", "return sorted(b, key=len)[1]\n").length, 1);
});

test("a hunk never begins or ends inside of a character", () => {
  assert.deepEqual(hunksBetween("a😀b", "a😁b"), [{ from: 1, removed: "😀", inserted: "😁" }]);
});

test("the next line of a block is kept, and one more each time", () => {
  const before = "def f(a):\n    ";
  const after = "def f(a):\n    for x in a:\n        print(x)\n    return a";
  assert.deepEqual(parts(before, after, "line"), ["def f(a):\n    for x in a:", "def f(a):\n    for x in a:\n        print(x)"]);
});

test("the next word is kept with what stands before it", () => {
  assert.deepEqual(parts("x", "x = foo(1)", "word"), ["x =", "x = foo", "x = foo(", "x = foo(1"]);
});

test("a part of lines that are put above others ends its line", () => {
  assert.deepEqual(parts("a\nb\n", "a\nx = 1\ny = 2\nb\n", "word"), [
    "a\nx\nb\n", "a\nx =\nb\n", "a\nx = 1\nb\n", "a\nx = 1\ny\nb\n", "a\nx = 1\ny =\nb\n",
  ]);
  assert.deepEqual(parts("a\nb\n", "a\nx = 1\ny = 2\nb\n", "line"), ["a\nx = 1\nb\n"]);
});

test("of several places the first ones are kept, the others stay as they were", () => {
  assert.deepEqual(parts("x = foo(1)\ny = 2\nz = 3\n", "x = bar(2)\ny = 2\nz = 4\n", "line"), ["x = bar(2)\ny = 2\nz = 3\n"]);
  assert.deepEqual(parts("x = foo(1)\n", "x = bar(2)\n", "word"), ["x = bar(1)\n"]);
});

test("a long text is compared around its changes alone", () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`);
  const before = lines.join("");
  const after = lines.toSpliced(10_000, 1, "new\n").join("");
  assert.equal(applyHunks(before, hunksBetween(before, after)), after);
  const shuffled = [...lines].reverse().join("");
  assert.equal(applyHunks(before, hunksBetween(before, shuffled)), shuffled);
});
