import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, percent, sentence, size, timeLeft, week, when } from "../src/format";

test("sizes have a unit that fits", () => assert.deepEqual([0, 999, 1500, 12_345, 4.81e8].map(size), ["0 bytes", "999 bytes", "1.5 KB", "12 KB", "481 MB"]));
test("durations are as exact as they are short", () => {
  assert.deepEqual([0.04, 12.3, 999.9, 4321, 9960].map(duration), ["0.0 ms", "12 ms", "999 ms", "4.3 s", "10 s"]);
  assert.deepEqual([59_000, 61_000, 3_660_000, -1].map(duration), ["59 s", "1 min 1 s", "1 h 1 min", "–"]);
});
test("what is unknown is a dash", () => assert.deepEqual([percent(null), when(null), when("soon"), percent(0.256)], ["–", "–", "soon", "26 %"]));
test("the time that is left is said in minutes", () => {
  assert.deepEqual([null, 0, 59, 61, 3599, 3600, 4900].map(timeLeft),
    ["", "about a minute left", "about a minute left", "about 2 min left", "about 1 h 0 min left", "about 1 h 0 min left", "about 1 h 22 min left"]);
});
test("a week is called by its first day", () => {
  assert.match(week("2025-W24"), /(Jun 9|9 Jun)/);
  assert.match(week("2020-W01"), /(Dec 30|30 Dec).*2019/);
  assert.equal(week("soon"), "soon");
});
test("a sentence begins with a capital", () => assert.deepEqual(["", "übung", "x"].map(sentence), ["", "Übung", "X"]));
