// A session played again: the file at each state, who wrote which line, what was decided and what it was worth.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask } from "../../api/client";
import type { RecordedDecision, SessionState, SessionTimeline, TimelineState } from "../../api/sessions";
import { Button } from "../../components/button";
import { Loading } from "../../components/loading";
import { useResource } from "../../components/resource";
import { droppedWords } from "../../assistant/words";
import { decisionInfinitive, decisionPast } from "../../decisions";
import { Viewer } from "../../editor/viewer";
import { decimal, duration, percent, when } from "../../format";
import { address } from "../../router";

const PLAY_MS = 700;
const PROBLEM_FILE = "solution.py"; // of a session without a file of the person's own

export function Replay({ id }: { id: string }) {
  const path = `/api/sessions/${encodeURIComponent(id)}`;
  const timeline = useResource<SessionTimeline>(path);
  const { answer } = timeline;
  return (
    <div class="stack">
      <p class="small"><a href={address("sessions")}>← All sessions</a></p>
      <h1 class="long-title">{answer?.title ?? "Session"}</h1>
      <Loading resource={timeline} what="the session" />
      {answer && answer.states.length === 0 && <p>It has no states yet.</p>}
      {answer && answer.states.length > 0 && <Player path={path} timeline={answer} />}
    </div>
  );
}

function Player({ path, timeline: { states, started, file } }: { path: string; timeline: SessionTimeline }) {
  const [index, setIndex] = useState(0);
  const [isPlaying, setPlaying] = useState(false);
  const last = states.length - 1;
  const decisions = useMemo(() => states.flatMap((state, i) => (isHelp(state) ? [i] : [])), [states]);
  const show = (next: number) => setIndex(Math.min(Math.max(next, 0), last));
  const go = (next: number) => { setPlaying(false); show(next); }; // the person's own hand ends playback
  useEffect(() => {
    if (!isPlaying) return;
    if (index >= last) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => show(index + 1), PLAY_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, index]);
  const state = states[index]!;
  const since = state.timestamp_ms !== null ? state.timestamp_ms - (started ?? states[0]!.timestamp_ms ?? state.timestamp_ms) : null;
  return (
    <div class="replay">
      <div class="replay-controls panel stack">
        <label class="scrubber">State {index + 1} of {states.length}
          <input type="range" min={0} max={last} value={index} aria-valuetext={`${index + 1} of ${states.length}`}
            onInput={(event) => go(Number(event.currentTarget.value))} />
        </label>
        <div class="row">
          <button onClick={() => { if (index >= last) setIndex(0); setPlaying(!isPlaying); }}>{isPlaying ? "Pause" : "Play"}</button>
          <Button isOff={index === 0} onClick={() => go(index - 1)}>Back</Button>
          <Button isOff={index === last} onClick={() => go(index + 1)}>Forward</Button>
          <Button isOff={!decisions.some((i) => i < index)} onClick={() => go(decisions.findLast((i) => i < index) ?? 0)}>Previous help</Button>
          <Button isOff={!decisions.some((i) => i > index)} onClick={() => go(decisions.find((i) => i > index) ?? last)}>Next help</Button>
          <span class="quiet-text small">{duration(since)} after the start, {when(state.timestamp_ms)}</span>
        </div>
      </div>
      <StateText path={`${path}/states/${index}`} fileName={file ?? PROBLEM_FILE} />
      <section class="panel stack replay-facts" aria-label="What happened">
        <div role="status" aria-live={isPlaying ? "off" : "polite"}><h2>{headline(state)}</h2></div>
        {state.action && <Decision action={state.action} by={state.by} />}
        {state.env && <p>{tests(state.env)}</p>}
        {state.reward && <Reward reward={state.reward} />}
      </section>
    </div>
  );
}

/** Whether the assistant wrote something, or would have. */
function isHelp({ by, action }: TimelineState): boolean {
  return by === "A" && action !== null && (action.withheld !== null || (action.decision !== 0 && action.changed));
}

function headline({ by, action }: TimelineState): string {
  if (by === null || action === null) return "The session begins";
  const who = by === "A" ? "The assistant" : "You";
  if (by === "A" && action.decision !== 0 && !action.withheld && !action.changed) return `The assistant wanted to ${decisionInfinitive(action.decision)}, and had no text for it`;
  if (action.dropped) return "The assistant's text came and was not put in";
  if (action.withheld) return `The assistant ${decisionPast(action.withheld.type)} and held it back`;
  if (by === "H" && action.decision === 0) return "You changed nothing that counts";
  return `${who} ${decisionPast(action.decision)}${action.line ? ` at line ${action.line}` : ""}`;
}

function tests({ compiled, passed, total }: NonNullable<TimelineState["env"]>): string {
  if (!compiled) return "Tests: the file does not compile.";
  return total === null ? "The file compiles." : `Tests: ${passed} of ${total} passed.`;
}

function StateText({ path, fileName }: { path: string; fileName: string }) {
  const place = useRef<HTMLDivElement>(null);
  const viewer = useRef<Viewer | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    viewer.current = new Viewer(place.current!, "The file at this state", fileName);
    return () => viewer.current?.destroy();
  }, []);
  useEffect(() => {
    const controller = new AbortController();
    ask<SessionState>(path, undefined, { signal: controller.signal })
      .then((state) => { viewer.current?.show(state); setError(null); })
      .catch((failure: Error) => { if (!controller.signal.aborted) setError(failure.message); });
    return () => controller.abort();
  }, [path]);
  return (
    <figure class="replay-text">
      {error && <p class="wrong" role="alert">{error}</p>}
      <div class="editor" ref={place} />
      <figcaption class="small quiet-text"><span class="author human">You</span> <span class="author assistant">Assistant</span> changed the line last; what is new in this state is shaded.</figcaption>
    </figure>
  );
}

function Decision({ action, by }: { action: RecordedDecision; by: "H" | "A" | null }) {
  const facts: [string, string][] = [];
  const add = (name: string, value: string | null | undefined) => { if (value) facts.push([name, value]); };
  if (by === "A") {
    add("Chance of this decision", action.decision_probability !== null ? percent(action.decision_probability) : null);
    add("Expected to be kept, p(kept)", action.kept !== null ? percent(action.kept) : null);
    add("Stood when you had replied", action.retained !== null ? percent(action.retained) : null);
    add("Of that, stood at the end", action.survived !== null ? percent(action.survived) : null);
    add("Written by", action.writer?.name);
    if (action.review) add("Reviewer", `${percent(action.review.kept)} to be kept, shows from ${percent(action.review.threshold)}${action.review.explored ? "; shown to learn from it" : ""}`);
    add("Decided by", action.model);
    add("Not put in", droppedWords(action.dropped));
  }
  if (action.pasted) add("Pasted", "a large paste, left out of learning");
  if (!action.recorded) add("Source", "read off the two texts");
  return (
    <>
      {action.withheld && <pre class="withheld" tabIndex={0}>{action.withheld.text}</pre>}
      {facts.length > 0 && <table><tbody>{facts.map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td>{value}</td></tr>)}</tbody></table>}
    </>
  );
}

function Reward({ reward }: { reward: NonNullable<TimelineState["reward"]> }) {
  const parts = Object.entries(reward.parts).filter(([, value]) => value !== 0);
  return (
    <table>
      <caption class="visually-hidden">Reward of this decision</caption>
      <thead><tr><th scope="col">Reward</th><th scope="col" class="number">{decimal(reward.total)}</th></tr></thead>
      <tbody>{parts.map(([name, value]) => <tr key={name}><th scope="row">{name.replaceAll("_", " ")}</th><td class="number">{decimal(value)}</td></tr>)}</tbody>
    </table>
  );
}
