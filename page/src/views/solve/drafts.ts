// The text that a person left in a problem, to go on from next time. Kept in this browser alone.
import { fileText } from "../../editor/coordinates";
import { type OpenDocument, workspace } from "../../workspace";

const PREFIX = "codeassist.draft.";

export function draft(problemId: string): string | null {
  return localStorage.getItem(PREFIX + problemId);
}

export function dropDraft(problemId: string): void {
  localStorage.removeItem(PREFIX + problemId);
}

/** Keeps the text of every problem that is left. */
export function keepDrafts(): void {
  let open: OpenDocument | null = workspace.document.value;
  workspace.document.follow((next) => {
    if (open?.problem && open !== next) keep(open.problem.task_id, fileText(open.view.state), open.problem.starter_code);
    open = next;
  });
}

function keep(problemId: string, text: string, starter: string): void {
  try {
    if (text === starter) dropDraft(problemId);
    else localStorage.setItem(PREFIX + problemId, text);
  } catch {
    // a full store: the recorded session has the text
  }
}
