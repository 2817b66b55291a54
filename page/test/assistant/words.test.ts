import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceAnswer } from "../../src/api/messages";
import { duration, explain, percent, wroteWords } from "../../src/assistant/words";

type Metadata = InferenceAnswer["metadata"];

const RECORD: Metadata["record"] = {
  decision: 2, line: 4, probability: 0.25, decision_probability: 0.5, behaviour_probability: 0.25, value: 0.1, kept: 0.6, model: "m", legal: true,
  alternatives: [{ decision: 2, line: 4, probability: 0.25 }, { decision: 0, line: 0, probability: 0.0004 }],
};

function answer(change: Partial<Metadata>): InferenceAnswer {
  const metadata: Metadata = {
    action: [2, 4], model_used: "w", request_id: "r", new_text: "", record: RECORD, milliseconds: { policy: 3.21, writer: 1234 }, ...change,
  };
  return { response: "", unified_diff: "", metadata };
}

function reasons(change: Partial<Metadata>): string {
  return explain(answer(change), null).reasons.join(" ");
}

test("a decision of the policy is told with its numbers", () => {
  const explanation = explain(answer({ review: { kept: 0.5, threshold: 0.4, shown: true, explored: false } }), null);
  assert.equal(explanation.headline, "It chose to write a line at line 4");
  assert.deepEqual(explanation.considered.map((each) => each.probability), ["25 %", "under 0.1 %"]);
  assert.deepEqual(explanation.stages, [{ name: "deciding", milliseconds: "3.2 ms" }, { name: "writing", milliseconds: "1.2 s" }]);
  assert.match(explanation.reasons.join(" "), /probability of 25 % to write a line at line 4\. It expected you to keep 60 %/);
});

test("a random decision says that it was one", () => {
  const said = reasons({ record: { ...RECORD, model: "exploration", probability: null, behaviour_probability: 0.083, kept: null } });
  assert.match(said, /so chance decides, to learn what you want\. The chance to write a line at line 4 was 8.3 %\./);
  assert.doesNotMatch(said, /The policy/);
});

test("a draw that differs from the policy's probability says so", () => {
  assert.match(reasons({ record: { ...RECORD, behaviour_probability: 0.9 } }), /It was taken with a probability of 90 %/);
});

test("the reviewer shows, holds back, or shows to learn", () => {
  assert.match(reasons({ review: { kept: 0.5, threshold: 0.4, shown: true, explored: false } }), /reaches 40 %\. So it was shown\./);
  assert.match(reasons({ review: { kept: 0.1, threshold: 0.4, shown: false, explored: false } }), /So it was held back\./);
  assert.match(reasons({ review: { kept: 0.1, threshold: 0.4, shown: true, explored: true } }), /shown all the same, to learn from/);
});

test("silence and what was held back are told too", () => {
  assert.equal(explain(answer({ action: [0, 0], record: { ...RECORD, decision: 0, line: 0 } }), null).headline, "It kept quiet");
  assert.equal(explain(answer({ action: [0, 4] }), null).headline, "It wanted to write a line at line 4 and had no text that fits");
  const withheld = explain(answer({ action: [0, 0], withheld: { action: [3, 7], text: "x" } }), null);
  assert.equal(withheld.headline, "It wanted to write several lines at line 7 and held it back");
});

test("why a text that came is not there is told first", () => {
  assert.match(explain(answer({}), "stale").reasons[0] ?? "", /You went on typing/);
  assert.match(explain(answer({ reason: "the writer is gone" }), null).reasons[0] ?? "", /It could not help: the writer is gone\./);
});

test("numbers are short", () => {
  assert.deepEqual([0, 0.0001, 0.004, 0.099, 0.5, 1].map(percent), ["0 %", "under 0.1 %", "0.4 %", "9.9 %", "50 %", "100 %"]);
  assert.deepEqual([0.04, 12.3, 4321].map(duration), ["0.0 ms", "12 ms", "4.3 s"]);
});

test("what it wrote is counted in lines", () => {
  assert.equal(wroteWords("code", 5, 3), "Wrote 3 lines at line 5");
  assert.equal(wroteWords("code", 5, 1), "Wrote a line at line 5");
  assert.equal(wroteWords("edit", 2, 1), "Edited at line 2");
  assert.equal(wroteWords("explain", 2, 2), "Explained 2 lines at line 2");
});
