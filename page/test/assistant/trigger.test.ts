import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, type Moment, pauseBefore, suffixOf, suffixThatIsOff, TypingRhythm } from "../../src/assistant/trigger";

const CALM: Moment = {
  isComposing: false, isMouseDown: false, isSelecting: false, isFocused: true, isHidden: false, isAfterDeletion: false, before: " ", after: "",
};

function rhythmOf(gaps: readonly number[]): TypingRhythm {
  const rhythm = new TypingRhythm();
  let now = 1000;
  rhythm.note(now);
  for (const gap of gaps) rhythm.note((now += gap));
  return rhythm;
}

test("the pause follows the typing, from 150 ms to a second", () => {
  assert.equal(rhythmOf([]).pauseMs, 600);
  assert.equal(rhythmOf(Array(30).fill(40)).pauseMs, 150);
  assert.equal(rhythmOf(Array(30).fill(200)).pauseMs, 250);
  assert.equal(rhythmOf(Array(30).fill(1500)).pauseMs, 1000);
});

test("a pause is longer than nearly all gaps within a burst, whoever types", () => {
  const gaps = Array.from({ length: 60 }, (_, i) => 80 + ((i * 37) % 120));
  const { pauseMs } = rhythmOf(gaps);
  assert.ok(gaps.filter((gap) => gap < pauseMs).length >= 57);
});

test("the pause forgets how somebody typed long ago, and what lies between bursts", () => {
  assert.equal(rhythmOf([...Array(100).fill(800), ...Array(60).fill(100)]).pauseMs, 150);
  assert.equal(rhythmOf([...Array(20).fill(200), 60_000, 5000]).pauseMs, 250);
});

test("a time that the person chose stays within its bounds and is not shortened", () => {
  const rhythm = rhythmOf(Array(30).fill(200));
  assert.equal(pauseBefore(2000, rhythm, true), 2000);
  assert.equal(pauseBefore(1, rhythm, false), 150);
  assert.equal(pauseBefore(60_000, rhythm, false), 10_000);
  assert.equal(pauseBefore("key", rhythm, true), null);
});

test("the adaptive pause is shorter at a boundary of the work", () => {
  const rhythm = rhythmOf(Array(30).fill(400));
  assert.equal(pauseBefore("adaptive", rhythm, false), 500);
  assert.equal(pauseBefore("adaptive", rhythm, true), 250);
  assert.equal(pauseBefore("adaptive", rhythmOf(Array(30).fill(10)), true), 150);
});

test("it asks in a calm moment alone", () => {
  assert.equal(judge(CALM), "ask");
  assert.equal(judge({ ...CALM, isComposing: true }), "wait");
  assert.equal(judge({ ...CALM, isMouseDown: true, isSelecting: true }), "wait");
  for (const change of [{ isSelecting: true }, { isFocused: false }, { isHidden: true }, { isAfterDeletion: true }]) {
    assert.equal(judge({ ...CALM, ...change }), "skip");
  }
});

test("it does not ask in the middle of a word, in any script", () => {
  assert.equal(judge({ ...CALM, before: "a", after: "b" }), "skip");
  assert.equal(judge({ ...CALM, before: "é", after: "ж" }), "skip");
  assert.equal(judge({ ...CALM, before: "a", after: ")" }), "ask");
  assert.equal(judge({ ...CALM, before: "(", after: "b" }), "ask");
});

test("help is off by the end of a file's name", () => {
  assert.equal(suffixThatIsOff([".md", ".test.py"], "README.MD"), ".md");
  assert.equal(suffixThatIsOff([".md", ".test.py"], "a.test.py"), ".test.py");
  assert.equal(suffixThatIsOff([".md"], "a.py"), null);
  assert.equal(suffixOf("a.test.py"), ".py");
  assert.equal(suffixOf("Makefile"), "");
});
