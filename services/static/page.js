// The first page: health, sessions, models, and an editor that records and plays with the assistant.
import { ask } from "./api.js";
import { indentAsTyped } from "./indentation.js";
import { Session, characters, difference } from "./recording.js";

const PAUSE_MS = 1000, REFRESH_MS = 15000;
const element = (id) => document.getElementById(id);
const editor = element("text");
const say = (text) => { element("status").textContent = text; };
let session = null, problem = null, written = null, timer = null, asking = 0, composing = false, origin = null, ownText = "";

function fill(id, texts, wrong = () => false) {
  element(id).replaceChildren(...texts.map((text, i) => {
    const entry = document.createElement("li");
    entry.textContent = wrong(i) ? `Attention: ${text}` : text;
    entry.className = wrong(i) ? "wrong" : "";
    return entry;
  }));
}

function showRecording(reason, lost = false) {
  const next = lost ? "Copy your text, then load this page again." : "It goes on by itself as soon as it can.";
  element("not-recorded").hidden = reason === null;
  element("not-recorded").textContent = reason === null ? "" : `Nothing is recorded now (${reason}). ${next}`;
}

async function showHealth() {
  const health = await ask("/api/health");
  fill("health", health.parts.map((part) => `${part.name}: ${part.text}`), (i) => !health.parts[i].ok);
  if (!health.recording) showRecording(health.parts[0].text);
  element("exploring").hidden = !health.exploring && health.explore;
  element("explore").checked = health.explore;
}

async function show() {
  const [sessions, models] = await Promise.all([ask("/api/sessions"), ask("/api/models"), showHealth()]);
  const when = (seconds) => new Date(seconds * 1000).toLocaleString();
  fill("sessions", sessions.length ? sessions.map((each) => `${when(each.modified)}: ${each.id}`) : ["none yet"]);
  fill("models", models.length ? models.map((each) => `${each.id}${each.current ? " (current)" : ""}`) : ["none yet"]);
}

async function showProblems() {
  for (const each of await ask("/api/problems")) {
    element("problem").append(new Option(`${each.title || each.task_id} (${each.difficulty || "unknown"})`, each.task_id));
  }
}

async function begin() {
  const id = element("problem").value;
  problem = id === "own-file" ? null : await ask(`/api/problems/${encodeURIComponent(id)}`);
  element("statement").textContent = problem?.problem_description ?? "";
  element("results").replaceChildren();
  editor.value = problem ? problem.starter_code : ownText;
  session = await Session.begin(id, editor.value, showRecording);
  editing(true);
  editor.focus();
  say("Recording. The assistant looks on; it may help when you pause.");
}

async function help() {
  clearTimeout(timer);
  const text = editor.value, offset = editor.selectionStart, request = ++asking;
  const current = session;
  if (current.moved === "assistant" || text !== current.posted.text) current.postState(text, offset, null);
  const answer = await ask("/api/backend/inference", {
    episode_id: current.id, text, timestep: current.timestep, attribution: current.posted.attribution,
    context: { file_type: "python", file_length: characters(text), cursorOffset: characters(text.slice(0, offset)) },
  }).catch((error) => { if (error.status !== 499) throw error; });
  if (!answer || request !== asking || current !== session || editor.value !== text) return; // typed on meanwhile
  const [type, line] = answer.metadata.action;
  if (answer.unified_diff) showWritten(replaceText(answer.metadata.new_text, "assistant"), line);
  else say(whyQuiet(answer.metadata));
  current.postState(editor.value, editor.selectionStart, { H: null, A: { type, line, request_id: answer.metadata.request_id } });
}

function whyQuiet({ reason, withheld }) {
  if (reason) return `The assistant could not help: ${reason}.`;
  if (withheld) return "The assistant wrote something and held it back: you would probably not keep it.";
  return "The assistant looked and keeps quiet.";
}

// Puts a text in as one step of the editor's own undo, with the caret where it was in what stays.
function replaceText(text, who) {
  const caret = editor.selectionStart, before = editor.value, change = difference(before, text);
  origin = who;
  editor.focus();
  editor.setSelectionRange(change.start, change.start + change.removed.length);
  const command = change.inserted ? "insertText" : "delete";
  if (!document.execCommand(command, false, change.inserted) || editor.value !== text) {
    editor.value = text;
    noteInput({ inputType: "" });
  }
  origin = null;
  const place = caret <= change.start ? caret : Math.max(change.start, caret + text.length - before.length);
  editor.setSelectionRange(place, place);
  return change;
}

function showWritten(change, line) {
  written = change;
  element("written").hidden = false;
  element("written-text").textContent = change.inserted.replace(/^\n|\n$/g, "") || "(took text away)";
  say(`The assistant wrote at line ${line}.`);
}

function hideWritten() {
  written = null;
  element("written").hidden = true;
}

function takeBack() {
  const { start, removed, inserted } = written;
  hideWritten();
  if (!editor.value.startsWith(inserted, start)) return say("You have changed that text; Ctrl+Z goes back step by step.");
  replaceText(editor.value.slice(0, start) + removed + editor.value.slice(start + inserted.length), "undo");
  return say("Taken back.");
}

function noteInput(event) {
  if (!session || editor.value === session.text) return;
  const kinds = { insertFromPaste: "paste", insertFromDrop: "drop", historyUndo: "undo", historyRedo: "redo" };
  const change = session.noteChange(editor.value, origin ?? kinds[event.inputType] ?? "input");
  if (written && change.start + change.removed.length <= written.start) {
    written.start += change.inserted.length - change.removed.length;
  }
  clearTimeout(timer);
  asking += 1;
  const mayHelp = origin === null && change.inserted !== "" && !composing && element("pause").checked;
  if (mayHelp) timer = setTimeout(reporting(help), PAUSE_MS); // not after a deletion, nor after its own text
}

async function runTests() {
  const cases = problem.input_output.map((each, i) => ({ test_id: i + 1, input: each.input, output: each.output }));
  const code = problem.prompt ? `${problem.prompt}\n${editor.value}` : editor.value;
  say("Running the tests ...");
  const outcome = await ask("/api/tester/execute", {
    episode_id: session.id, code, test_cases: cases, timestep: session.timestep, timeout_ms: 10000,
    store_activity: true, entry_point: problem.entry_point,
  });
  const results = outcome.test_results;
  fill("results", results.map((each) => {
    const found = each.passed ? "passed" : `expected ${each.expected_output}, got ${each.error_message ?? each.actual_output}`;
    return `${each.input || "no arguments"}: ${found}`;
  }), (i) => !results[i].passed);
  say(outcome.error_message ?? `${results.filter((each) => each.passed).length} of ${results.length} tests passed.`);
}

async function end() {
  clearTimeout(timer);
  const current = session;
  session = null;
  if (!problem) ownText = editor.value;
  editing(false);
  await current.end(editor.selectionStart);
  say("The session is saved. It is listed below as soon as its states are tested.");
  await show();
}

async function finish() {
  if (session) await end();
  await ask("/api/finish", {});
  clearInterval(refreshing); // the server ends
  for (const id of ["begin", "problem", "finish", "explore"]) element(id).disabled = true;
  const next = element("finish").dataset.trains === "true" ? "the terminal shows how training goes" : "nothing is trained";
  say(`Recording has ended; ${next}. This page can be closed.`);
}

function editing(on) {
  for (const id of ["text", "help", "end"]) element(id).disabled = !on;
  for (const id of ["begin", "problem"]) element(id).disabled = on;
  element("run").disabled = !on || !problem;
  hideWritten();
}

const reporting = (work) => () => Promise.resolve().then(work).catch((error) => say(`That did not work: ${error.message}`));

for (const [id, work] of Object.entries({ begin, help, end, finish, run: runTests, undo: takeBack })) {
  element(id).addEventListener("click", reporting(work));
}
element("explore").addEventListener("change", reporting(async () => {
  await ask("/api/explore", { explore: element("explore").checked });
  await showHealth();
}));
editor.addEventListener("compositionstart", () => { composing = true; });
editor.addEventListener("compositionend", () => { composing = false; });
editor.addEventListener("input", noteInput);
indentAsTyped(editor);
addEventListener("pagehide", (event) => {
  if (!session) return;
  if (event.persisted) session.flush();
  else session.close(editor.selectionStart);
});
const refreshing = setInterval(reporting(show), REFRESH_MS);
reporting(() => Promise.all([showProblems(), show()]))();
