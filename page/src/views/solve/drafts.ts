// The text that a person left in a problem or as a scratch text, to go on from next time. Kept in this browser alone.
import { fileText } from "../../editor/coordinates";
import { type OpenDocument, workspace } from "../../workspace";

/** null: the scratch text. */
export type DraftOf = string | null;

const PREFIX = "codeassist.draft.";
const SCRATCH = "codeassist.scratch";

const placeOf = (problemId: DraftOf): string => (problemId === null ? SCRATCH : PREFIX + problemId);

export function draft(problemId: DraftOf): string | null {
  return localStorage.getItem(placeOf(problemId));
}

export function dropDraft(problemId: DraftOf): void {
  localStorage.removeItem(placeOf(problemId));
}

/** Keeps the text of every problem and scratch text that is left. */
export function keepDrafts(): void {
  let open: OpenDocument | null = workspace.document.value;
  workspace.document.follow((next) => {
    if (open && open !== next && open.filePath === null) keep(open);
    open = next;
  });
}

function keep({ problem, view }: OpenDocument): void {
  const problemId = problem?.task_id ?? null;
  const text = fileText(view.state);
  try {
    if (text === (problem?.starter_code ?? "")) dropDraft(problemId);
    else localStorage.setItem(placeOf(problemId), text);
  } catch {
    // a full store: the recorded session has the text
  }
}
