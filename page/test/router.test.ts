import assert from "node:assert/strict";
import { test } from "node:test";
import { address, parseRoute } from "../src/router";

test("an address leads to its view and what follows it", () => {
  for (const rest of ["", "two-sum", "a/b c.py", "ü%", "..", "#"]) assert.deepEqual(parseRoute(address("solve", rest)), { view: "solve", rest });
});

test("a damaged address is taken as it is", () => {
  assert.deepEqual(parseRoute("#/solve/%E0%A4%A"), { view: "solve", rest: "%E0%A4%A" });
  assert.deepEqual(parseRoute(""), { view: "", rest: "" });
});
