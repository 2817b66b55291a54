// What to work on: a problem, a file of the person's own, a scratch text; or the one that is open.
import { useEffect } from "preact/hooks";
import { ask } from "../../api/client";
import type { ProblemMessage, ProblemSummary } from "../../api/messages";
import { useResource } from "../../components/resource";
import { reporting } from "../../notices";
import { address } from "../../router";
import type { ViewProps } from "../../shell";
import { useStore } from "../../store";
import { workspace } from "../../workspace";
import { ProblemList } from "./problem-list";
import "./solve-view.css";
import { Work } from "./work";

export function SolveView({ rest }: ViewProps) {
  const open = useStore(workspace.document);
  useEffect(() => {
    if (rest && rest !== open?.problem?.task_id) void reporting(() => openProblem(rest))();
  }, [rest]);
  return open ? <Work open={open} /> : <Chooser />;
}

async function openProblem(id: string): Promise<void> {
  await workspace.openProblem(await ask<ProblemMessage>(`/api/problems/${encodeURIComponent(id)}`));
}

function Chooser() {
  const { answer, error } = useResource<ProblemSummary[]>("/api/problems");
  return (
    <div class="stack chooser">
      <h1>What do you want to write?</h1>
      <p class="row"><button onClick={reporting(openScratch)}>A scratch file</button></p>
      {error && <p class="wrong" role="alert">{error}</p>}
      {answer && <ProblemList problems={answer} />}
    </div>
  );
}

async function openScratch(): Promise<void> {
  await workspace.openScratch();
  location.hash = address("solve");
}
