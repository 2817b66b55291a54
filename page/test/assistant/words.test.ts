import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceAnswer } from "../../src/api/messages";
import { type Circumstances, explain, percent, silenceWords, wroteWords } from "../../src/assistant/words";

type Metadata = InferenceAnswer["metadata"];

const RECORD: Metadata["record"] = {
  decision: 2, line: 4, probability: 0.25, decision_probability: 0.5, behaviour_probability: 0.25, value: 0.1, kept: 0.6, model: "m", legal: true,
  alternatives: [{ decision: 2, line: 4, probability: 0.25 }, { decision: 0, line: 0, probability: 0.0004 }],
};

const PAUSED: Circumstances = { dropped: null, isAsked: false, firstLine: null, lines: new Map() };
const ASKED: Circumstances = { ...PAUSED, isAsked: true };

function answer(change: Partial<Metadata>): InferenceAnswer {
  const metadata: Metadata = {
    action: [2, 4], model_used: "w", request_id: "r", new_text: "", record: RECORD, milliseconds: { policy: 3.21, writer: 1234 }, ...change,
  };
  return { response: "", unified_diff: "", metadata };
}

function reasons(change: Partial<Metadata>, circumstances = PAUSED): string {
  return explain(answer(change), circumstances).reasons.join(" ");
}

test("a decision of the policy is told with its numbers", () => {
  const explanation = explain(answer({ review: { kept: 0.5, threshold: 0.4, shown: true, explored: false } }), PAUSED);
  assert.equal(explanation.headline, "It chose to write a line at line 4");
  assert.deepEqual(explanation.considered.map((each) => each.probability), ["25 %", "under 0.1 %"]);
  assert.deepEqual(explanation.stages, [{ name: "deciding", milliseconds: "3.2 ms" }, { name: "writing", milliseconds: "1.2 s" }]);
  assert.match(explanation.reasons.join(" "), /probability of 25 % to write a line at line 4\. It expected you to keep 60 %/);
});

test("a random decision says that it was one", () => {
  const said = reasons({ record: { ...RECORD, model: "exploration", probability: null, behaviour_probability: 0.083, kept: null } });
  assert.match(said, /so chance decides, to learn what you want\. The chance to write a line at line 4 was 8.3 %\./);
  assert.doesNotMatch(said, /models/);
});

test("a draw that differs from the policy's probability says so", () => {
  assert.match(reasons({ action: [0, 0], record: { ...RECORD, decision: 0, line: 0, behaviour_probability: 0.97 } }),
    /^Your models gave a probability of 25 % to keep quiet; as it mostly does what is most probable, the chance that it did this was 97 %\./);
  assert.doesNotMatch(reasons({}), /the chance/);
});

test("the reviewer shows, holds back, or shows to learn", () => {
  assert.match(reasons({ review: { kept: 0.5, threshold: 0.4, shown: true, explored: false } }), /reaches 40 %\. So it was shown\./);
  assert.match(reasons({ review: { kept: 0.1, threshold: 0.4, shown: false, explored: false } }), /So it was held back\./);
  assert.match(reasons({ review: { kept: 0.1, threshold: 0.4, shown: true, explored: true } }), /shown all the same, to learn from/);
});

test("what the reviewer would not show, and the person asked for, says that they asked", () => {
  const said = reasons({ review: { kept: 0.31, threshold: 0.4, shown: true, explored: false } }, ASKED);
  assert.match(said, /expects 31 % of it to be kept, and shows what reaches 40 %\. You asked, so it was shown\./);
});

test("who decided is told without a path", () => {
  assert.match(reasons({ record: { ...RECORD, model: "/home/me/data/asm_assistant_model.pt" } }), /^Your models gave/);
  assert.match(reasons({ record: { ...RECORD, model: "baseline" } }), /^The packaged models gave/);
});

test("a decision that was tried because another had no text says so", () => {
  const tried = { ...RECORD, probability: null, behaviour_probability: null, decision_probability: null, kept: null, model: null };
  assert.equal(reasons({ record: tried }, ASKED), "You asked; it tried this because it had no text for what it chose first.");
});

test("a text is told to be where it stands", () => {
  const explanation = explain(answer({}), { ...PAUSED, firstLine: 5 });
  assert.equal(explanation.headline, "It chose to write a line at line 5");
  assert.match(explanation.reasons[0] ?? "", /to write a line at line 5\./);
});

test("what it considered has the file's lines, where the person typed on and its text stands", () => {
  const alternatives = [{ decision: 2, line: 4, probability: 0.3 }, { decision: 4, line: 4, probability: 0.2 }, { decision: 1, line: 9, probability: 0.1 }, { decision: 0, line: 0, probability: 0.1 }];
  const record = { ...RECORD, alternatives };
  const { considered } = explain(answer({ record }), { ...PAUSED, firstLine: 8, lines: new Map([[4, 6], [9, 13]]) });
  assert.deepEqual(considered.map(({ line }) => line), ["8", "6", "13", "–"]);
  assert.deepEqual(explain(answer({ record }), PAUSED).considered.map(({ line }) => line), ["4", "4", "9", "–"]);
});

test("silence and what was held back are told too", () => {
  assert.equal(explain(answer({ action: [0, 0], record: { ...RECORD, decision: 0, line: 0 } }), PAUSED).headline, "It kept quiet");
  const { headline, reasons: [first] } = explain(answer({ action: [0, 4] }), PAUSED);
  assert.equal(headline, "The writer had nothing for it");
  assert.equal(first, "It wanted to write a line at line 4, and the writer had no text that fits there.");
  const withheld = explain(answer({ action: [0, 0], withheld: { action: [3, 7], text: "x" } }), PAUSED);
  assert.equal(withheld.headline, "It wanted to write several lines at line 7 and held it back");
});

test("where the writer had only what was taken back, that is the reason", () => {
  const { headline, reasons: [first] } = explain(answer({ action: [0, 4], rejected: true }), ASKED);
  assert.equal(headline, "What it has for this place you took back");
  assert.equal(first, "It wanted to write a line at line 4, and the writer only had what you took back or deleted in this session.");
});

test("how much of a text is kept is told where there is a text alone", () => {
  assert.doesNotMatch(reasons({ action: [0, 4] }), /p\(kept\)/);
  assert.doesNotMatch(reasons({ action: [0, 4], rejected: true }), /p\(kept\)/);
  assert.doesNotMatch(reasons({ action: [0, 4], reason: "the writer is gone" }), /p\(kept\)/);
  assert.match(reasons({ action: [0, 4], withheld: { action: [2, 4], text: "x" } }), /p\(kept\)/);
});

test("a silence that was asked for says why the writer had nothing", () => {
  const { metadata } = answer({ action: [0, 4] });
  assert.equal(silenceWords(metadata, null, true), "The writer has nothing to write here");
  assert.equal(silenceWords({ ...metadata, rejected: true }, null, true), "What it has for this place you took back");
  assert.equal(silenceWords(answer({}).metadata, "rejected", true), "What it has for this place you took back");
  assert.equal(silenceWords({ ...metadata, rejected: true }, null, false), "Looked, keeps quiet");
  assert.equal(silenceWords(answer({}).metadata, "stale", true), "Looked, keeps quiet");
});

test("why a text that came is not there is told first", () => {
  assert.match(explain(answer({}), { ...PAUSED, dropped: "stale" }).reasons[0] ?? "", /You went on typing/);
  assert.match(explain(answer({ reason: "the writer is gone" }), PAUSED).reasons[0] ?? "", /It could not help: the writer is gone\./);
});

test("numbers are short", () => {
  assert.deepEqual([0, 0.0001, 0.004, 0.099, 0.5, 1].map(percent), ["0 %", "under 0.1 %", "0.4 %", "9.9 %", "50 %", "100 %"]);
});

test("what it wrote is counted in lines", () => {
  assert.equal(wroteWords("code", 5, 3), "Wrote 3 lines at line 5");
  assert.equal(wroteWords("code", 5, 1), "Wrote a line at line 5");
  assert.equal(wroteWords("edit", 2, 1), "Edited at line 2");
  assert.equal(wroteWords("explain", 2, 2), "Explained 2 lines at line 2");
});
