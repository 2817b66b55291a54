// Train, watch it, stop it without losing anything, and see before and after.
import { useEffect, useRef } from "preact/hooks";
import { ask } from "../../api/client";
import type { EpochPoint, TrainingMessage } from "../../api/learning";
import type { SessionSummary } from "../../api/sessions";
import { Chart } from "../../components/chart";
import { Button } from "../../components/button";
import { Loading } from "../../components/loading";
import { useResource } from "../../components/resource";
import { percent, sentence, timeLeft, when } from "../../format";
import { reporting } from "../../notices";
import { useStore } from "../../store";
import { workspace } from "../../workspace";
import { mayLeave } from "../solve/unsaved";
import { withModelNames } from "../models/names";
import { NamedSessions } from "../sessions/named-sessions";
import { areNoneToLearnFrom } from "../sessions/session-counts";
import { ComparisonTable } from "./comparison-table";

const WATCH_MS = 1000;
const LOOK_MS = 15_000;
const OUTCOME_LINES = 2;
const NOTHING = "there is nothing to learn from yet: write with the assistant, and end the session";
/** Phases that learn: what each does, and what its loss is. */
const PHASES: Record<string, { title: string; loss: string }> = {
  bc: { title: "Learning what you do", loss: "Loss: how far what it expects of you is from what you did; lower is better." },
  ppo_from_episodes: {
    title: "Learning what you keep",
    loss: "Loss: its errors, less what better decisions gain; lower is better. Below zero, the gain is larger than the errors.",
  },
  zero_style: {
    title: "Playing on from your sessions",
    loss: "Loss: how far its decisions are from the best ones that it found in these games; lower is better.",
  },
};
const OTHER_PHASES: Record<string, string> = { loading: "Reading your sessions", evaluation: "Comparing before and after" };

/** onChange: a training or a session has ended. sessions: to name those that sentences are about. */
export function Training({ onChange, sessions }: { onChange: () => unknown; sessions: readonly SessionSummary[] }) {
  const training = useResource<TrainingMessage>("/api/training", LOOK_MS);
  const state = training.answer;
  const isActive = state?.status === "running" || state?.status === "stopping";
  useEffect(() => {
    if (!isActive) return;
    const timer = setInterval(() => void training.reload(), WATCH_MS);
    return () => clearInterval(timer);
  }, [isActive, training.reload]);
  const wasActive = useRef(isActive);
  useEffect(() => {
    if (wasActive.current && !isActive) onChange();
    wasActive.current = isActive;
  }, [isActive]);
  const open = useStore(workspace.document);
  const endSession = reporting(async () => {
    if (!(await mayLeave())) return;
    await workspace.close();
    await Promise.all([training.reload(), onChange()]);
  });
  const tell = (action: "start" | "stop") => reporting(async () => {
    await ask(`/api/training/${action}`, {});
    await training.reload();
  });
  if (state === null) return <Loading resource={training} what="the training" />;
  const refusal = state.refusal || (areNoneToLearnFrom(sessions) ? NOTHING : "");
  return (
    <section class="panel stack" aria-labelledby="training-title">
      <h2 id="training-title">Training</h2>
      <Loading resource={training} what="the training" />
      <p class="words" role="status">{words(state)}</p>
      {isActive && !state.elsewhere && <Progress state={state} />}
      <p class="row">
        {isActive
          ? <Button isOff={state.status === "stopping" || state.elsewhere} onClick={tell("stop")}>Stop and save</Button>
          : <Button class="primary" isOff={!state.can_start || refusal !== ""} onClick={tell("start")}>{state.status === "stopped" ? "Go on" : "Train now"}</Button>}
        {!isActive && refusal && <span class="quiet-text small">{sentence(refusal)}.</span>}
      </p>
      {open !== null && !isActive && (
        <p class="row small quiet-text">{open.title} is still being recorded, and is left out until its session ends. <button class="quiet" onClick={endSession}>End it now</button></p>
      )}
      {state.error && <p class="wrong" role="alert"><NamedSessions text={state.error} sessions={sessions} /></p>}
      <Lines lines={state.lines} sessions={sessions} outcome={isActive ? 0 : OUTCOME_LINES} />
      <Curves points={state.points} />
      {state.table.length > 0 && (
        <ComparisonTable rows={state.table} caption={state.sessions === "held_out" ? "Before and after, on sessions held out" : "Before and after, on the sessions learned from"} />
      )}
    </section>
  );
}

/** outcome: how many of the last sentences say what came of it; those before are about single recordings. */
function Lines({ lines, sessions, outcome }: { lines: readonly string[]; sessions: readonly SessionSummary[]; outcome: number }) {
  const end = Math.max(lines.length - outcome, 0);
  const earlier = lines.slice(0, end);
  return (
    <>
      {lines.slice(end).map((line) => <p key={line} class="words">{sentence(withModelNames(line))}</p>)}
      {earlier.length > 0 && (
        <details class="small">
          <summary>What training said of the recordings</summary>
          {earlier.map((line, i) => <p key={i} class="words"><NamedSessions text={sentence(line)} sessions={sessions} /></p>)}
        </details>
      )}
    </>
  );
}

function words({ status, title, phase, elsewhere, ended }: TrainingMessage): string {
  const doing = PHASES[phase]?.title ?? OTHER_PHASES[phase] ?? (sentence(title) || "Getting ready");
  switch (status) {
    case "idle": return "Nothing has been trained yet. A training takes some minutes, on this machine alone; you can go on writing.";
    case "running": return elsewhere ? "Another run.py trains at this moment." : `${doing} …`;
    case "stopping": return "Saving and stopping …";
    case "stopped": return "The training was stopped and saved.";
    case "done": return `The last training ended${ended ? ` ${when(ended)}` : ""}.`;
    case "failed": return "The last training failed.";
  }
}

function Progress({ state }: { state: TrainingMessage }) {
  const { epoch, epochs, overall_share: share, seconds_left: left } = state;
  const facts = [percent(share), timeLeft(left), epochs > 0 ? `epoch ${epoch} of ${epochs} at most in this part` : ""];
  return (
    <div>
      <progress class="training-progress" aria-label="How much of the training is done" max={1} value={share} />
      <p class="small quiet-text">{facts.filter(Boolean).join(", ")}</p>
    </div>
  );
}

function Curves({ points }: { points: readonly EpochPoint[] }) {
  const phases = Object.entries(PHASES).filter(([phase]) => points.filter((point) => point.phase === phase).length > 1);
  return (
    <div class="curves">
      {phases.map(([phase, { title, loss }]) => {
        const own = points.filter((point) => point.phase === phase);
        const values = (name: string) => own.map(({ metrics }) => (typeof metrics[name] === "number" ? metrics[name] : null));
        const held = values("val_decision_nll");
        return (
          <Chart key={phase} title={`${title}: loss by epoch`} xName="Epoch" yName="Loss" note={loss} xs={own.map((point) => point.epoch)}
            series={[
              { name: "Loss", values: values("loss"), colour: "accent" },
              ...(held.some((value) => value !== null) ? [{ name: "On sessions for validation", values: held, colour: "edit-mark", isDashed: true } as const] : []),
            ]} />
        );
      })}
    </div>
  );
}
