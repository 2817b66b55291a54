// The first page: health, sessions, models, and an editor that records and asks for help.
const token = document.querySelector("meta[name=token]").content;
const element = (id) => document.getElementById(id);

async function ask(path, body) {
  const options = { headers: { "X-CodeAssist-Token": token } };
  if (body !== undefined) Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.detail ?? answer.statusText);
  return content;
}

function list(id, texts, wrong = () => false) {
  element(id).replaceChildren(...texts.map((text, i) => {
    const item = document.createElement("li");
    item.textContent = text;
    item.className = wrong(i) ? "wrong" : "";
    return item;
  }));
}

async function show() {
  const [health, sessions, models] = await Promise.all(["health", "sessions", "models"].map((name) => ask(`/api/${name}`)));
  list("health", health.parts.map((part) => `${part.name}: ${part.text}`), (i) => !health.parts[i].ok);
  list("sessions", sessions.map((session) => session.id));
  list("models", models.map((model) => `${model.id}${model.current ? " (current)" : ""}`));
}

const session = { id: null, timestep: 0, text: null };

async function post(action = null) {
  const body = { text: element("text").value, attribution: [], timestep: session.timestep, timestamp_ms: Date.now(), action };
  await ask(`/api/backend/episodes/${session.id}/state`, body);
  session.text = body.text;
}

async function begin() {
  session.id = (await ask("/api/backend/episodes/start", { problem_id: element("problem").value })).episode_id;
  session.timestep = 0;
  await post();
  editing(true);
}

async function help() {
  const text = element("text");
  if (text.value !== session.text) {
    session.timestep += 1;
    await post();
  }
  const answer = await ask("/api/backend/inference", {
    episode_id: session.id, text: text.value, timestep: session.timestep, attribution: [],
    context: { cursorOffset: [...text.value.slice(0, text.selectionStart)].length },
  });
  if (text.value !== session.text) return; // typed on meanwhile
  const [type, line] = answer.metadata.action;
  if (answer.unified_diff) text.value = answer.metadata.new_text;
  session.timestep += 1;
  await post({ H: null, A: { type, line, request_id: answer.metadata.request_id } });
  element("status").textContent = answer.unified_diff ? `The assistant wrote at line ${line}.` : "The assistant keeps quiet.";
}

async function end() {
  if (element("text").value !== session.text) {
    session.timestep += 1;
    await post();
  }
  await ask(`/api/backend/episodes/${session.id}/end`, {});
  editing(false);
  await show();
}

function editing(on) {
  element("text").disabled = element("help").disabled = element("end").disabled = !on;
  element("begin").disabled = on;
}

function reporting(work) {
  return () => work().catch((error) => { element("status").textContent = `Not recorded: ${error.message}`; });
}

element("begin").addEventListener("click", reporting(begin));
element("help").addEventListener("click", reporting(help));
element("end").addEventListener("click", reporting(end));
element("finish").addEventListener("click", reporting(() => ask("/api/finish", {})));
reporting(show)();
