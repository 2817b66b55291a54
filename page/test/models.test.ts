import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelMessage } from "../src/api/learning";
import { modelFacts, modelName, useWords, withModelNames } from "../src/views/models/names";

const MODEL: ModelMessage = {
  id: "000003-ab12cd34", created: "2025-11-28T10:00:00.000+00:00", current: false, trained_on: "person", sessions: 12, verdict: "",
  measured_on: "", measured_sessions: null, measured: [], damaged: false, protected: false,
};
const model = (number: number, change: Partial<ModelMessage> = {}): ModelMessage => ({ ...MODEL, id: `00000${number}-ab12cd34`, ...change });

test("a model has a name, a day and what it learned from", () => {
  assert.equal(modelName(MODEL), "Model 3");
  assert.match(modelFacts(MODEL), /^from .*28.*, learned from 12 sessions$/);
  assert.match(modelFacts({ ...MODEL, sessions: 1 }), /, learned from 1 session$/);
  assert.match(modelFacts({ ...MODEL, trained_on: "scripted" }), /, learned from 12 sessions of simulated people$/);
  assert.match(modelFacts({ ...MODEL, trained_on: "imported", sessions: null }), /, brought from elsewhere$/);
  assert.equal(modelFacts({ ...MODEL, created: null, sessions: null }), "from –");
  assert.equal(modelName({ ...MODEL, id: "mine" }), "Model without a number");
});

test("one goes back to what is older than the current one, and uses what is newer", () => {
  const models = [model(3), model(2, { current: true }), model(1)];
  assert.deepEqual(models.map((each) => useWords(each, models)), ["Use this one", "Use this one", "Go back to this one"]);
  const none = [model(3, { current: true, trained_on: "nothing" }), model(2), model(1)];
  assert.deepEqual(none.slice(1).map((each) => useWords(each, none)), ["Use this one", "Use this one"]);
});

test("sentences of the server name models too", () => {
  assert.equal(withModelNames("made generation 000012-0a1b2c3d, so"), "made model 12, so");
  assert.equal(withModelNames("a generation ago"), "a generation ago");
});
