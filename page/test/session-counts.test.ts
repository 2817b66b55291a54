import assert from "node:assert/strict";
import { test } from "node:test";
import type { LearningStatus, SessionSummary } from "../src/api/sessions";
import { areNoneToLearnFrom, countSessions, countWords, newWords } from "../src/views/sessions/session-counts";

function recordings(...each: [string, LearningStatus][]): SessionSummary[] {
  return each.map(([session, learning], i) => ({
    id: `r${i}`, session, learning, problem_id: null, title: "", file: null, started: null, ended: null, written: null, retained: null,
    excluded: false, bytes: 0, status: "ended", reason: null, states: 2,
  }));
}

const words = (...each: [string, LearningStatus][]) => countWords(countSessions(recordings(...each)));

test("a line of counts adds up", () => {
  assert.equal(words(["a", "learned_from"], ["b", "excluded"], ["c", "learned_from"], ["d", "unreadable"], ["e", "no_decision"], ["f", "recording"]),
    "6 sessions: 2 to learn from, 1 being recorded, 1 left out by you, 1 without the assistant, 1 unreadable");
  assert.equal(words(["a", "learned_from"]), "1 session: 1 to learn from");
});

test("a session in several recordings counts once, as what is learned from if any of it is", () => {
  assert.equal(words(["a", "excluded"], ["a", "learned_from"], ["b", "excluded"]), "2 sessions in 3 recordings: 1 to learn from, 1 left out by you");
});

test("there is nothing to learn from where no session may be learned from", () => {
  const none = (...each: [string, LearningStatus][]) => areNoneToLearnFrom(recordings(...each));
  assert.deepEqual([none(), none(["a", "excluded"], ["b", "recording"]), none(["a", "excluded"], ["b", "learned_from"]), none(["a", "unknown"])],
    [false, true, false, false]);
});

test("what is new is said of those to learn from", () => {
  assert.deepEqual([newWords(0, 0), newWords(9, 0), newWords(9, 3), newWords(9, 9), newWords(1, 1)],
    ["", "the last training had them all", "3 of them new since the last training", "no training had them yet", "no training had it yet"]);
});
