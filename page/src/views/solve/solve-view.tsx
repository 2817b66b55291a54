// Problems to choose from; the one that is open with its statement, editor and results.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../../api/client";
import type { ExecuteAnswer, ProblemMessage, ProblemSummary } from "../../api/messages";
import { useResource } from "../../components/resource";
import { fileText } from "../../editor/coordinates";
import { reporting } from "../../notices";
import { address } from "../../router";
import type { ViewProps } from "../../shell";
import { useStore } from "../../store";
import { type OpenDocument, workspace } from "../../workspace";
import "./solve-view.css";

const TIMEOUT_MS = 10_000;

export function SolveView({ rest }: ViewProps) {
  const open = useStore(workspace.document);
  useEffect(() => {
    if (rest && rest !== open?.problem?.task_id) void reporting(() => openProblem(rest))();
  }, [rest]);
  return open ? <Work open={open} /> : <ProblemList />;
}

async function openProblem(id: string): Promise<void> {
  await workspace.openProblem(await ask<ProblemMessage>(`/api/problems/${encodeURIComponent(id)}`));
}

function ProblemList() {
  const { answer, error } = useResource<ProblemSummary[]>("/api/problems");
  return (
    <div class="stack">
      <h1>Solve</h1>
      {error && <p class="wrong" role="alert">{error}</p>}
      <ul class="plain stack">
        {answer?.map((problem) => (
          <li key={problem.task_id}><a href={address("solve", problem.task_id)}>{problem.title}</a> <span class="quiet-text">{problem.difficulty}</span></li>
        ))}
      </ul>
    </div>
  );
}

function Work({ open }: { open: OpenDocument }) {
  const place = useRef<HTMLDivElement>(null);
  const [results, setResults] = useState<ExecuteAnswer | null>(null);
  useEffect(() => {
    place.current?.replaceChildren(open.view.dom);
    open.view.requestMeasure();
    open.view.focus();
  }, [open]);
  const run = reporting(async () => setResults(await runTests(open)));
  const close = reporting(async () => {
    await workspace.close();
    location.hash = address("solve");
  });
  return (
    <div class="work">
      <section class="statement" aria-label="Problem">
        <h1>{open.title}</h1>
        <p class="statement-text">{open.problem?.problem_description}</p>
      </section>
      <section class="editing" aria-label="Editor">
        <div class="editor" ref={place} />
        <p class="row">
          {open.problem && <button class="primary" onClick={run}>Run</button>}
          <button onClick={reporting(() => workspace.help())}>Ask for help</button>
          <button onClick={close}>End the session</button>
        </p>
        {results && <p role="status">{results.error_message ?? `${results.test_results.filter((each) => each.passed).length} of ${results.test_results.length} tests passed`}</p>}
      </section>
    </div>
  );
}

function runTests({ problem, session, view }: OpenDocument): Promise<ExecuteAnswer> {
  const code = problem!.prompt ? `${problem!.prompt}\n${fileText(view.state)}` : fileText(view.state);
  return ask("/api/tester/execute", {
    episode_id: session!.id, code, timestep: session!.timestep, timeout_ms: TIMEOUT_MS, store_activity: true,
    entry_point: problem!.entry_point, test_cases: problem!.input_output.map((each, i) => ({ test_id: i + 1, ...each })),
  });
}
