import assert from "node:assert/strict";
import { test } from "node:test";
import { indentUnitOf } from "../src/editor/indentation";

const unitOf = (text: string): string => indentUnitOf(text.split("\n"));

test("a text without indentation is indented by four spaces", () => {
  for (const text of ["", "x = 1\n", "   \n\t\nx = 1\n"]) assert.equal(unitOf(text), "    ");
});

test("a text most of whose indented lines begin with a tab is indented by tabs", () => {
  assert.equal(unitOf("class A:\n\tdef f(self):\n\t\tpass\n"), "\t");
  assert.equal(unitOf("if a:\n\tb()\n\tc()\nif d:\n    e()\n"), "\t");
  assert.equal(unitOf("if a:\n\tb()\nif d:\n    e()\n    f()\n"), "    ");
});

test("a text is indented by the spaces that its lines go deeper by", () => {
  for (const width of [2, 4, 8]) {
    const unit = " ".repeat(width);
    assert.equal(unitOf(`class A:\n${unit}def f(self):\n\n${unit}${unit}pass\n${unit}def g(self):\n${unit}${unit}pass\n`), unit);
  }
});

test("of equally common steps the smallest counts, and a continued line does not outweigh the blocks", () => {
  assert.equal(unitOf("if a:\n  b()\nif c:\n    d()\n"), "  ");
  assert.equal(unitOf("def f(\n        a):\n    if a:\n        b()\n    if c:\n        d()\n"), "    ");
});

test("a step of one space, or of nine, is none", () => {
  assert.equal(unitOf("/*\n * text\n */\nf(a,\n         b)\n"), "    ");
});
