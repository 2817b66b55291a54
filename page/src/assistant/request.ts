// The request for help with a file as it is now. Not here: when it is made, what is done with the answer.
import type { EditorState } from "@codemirror/state";
import { ask, RefusedError } from "../api/client";
import type { InferenceAnswer } from "../api/messages";
import { countCharacters, filePosition, fileText } from "../editor/coordinates";
import type { RecordedSession } from "../recording/session";

const SUPERSEDED = 499;

/** null: a newer request has taken its place. mustHelp: the person asks, so silence is no answer. Throws what `ask` throws. */
export async function requestHelp(state: EditorState, session: RecordedSession, fileName: string, mustHelp: boolean): Promise<InferenceAnswer | null> {
  const text = fileText(state);
  const body = {
    episode_id: session.id, text, timestep: session.timestep, attribution: session.posted?.attribution ?? [],
    context: {
      file_type: fileName.endsWith(".py") ? "python" : fileName, file_length: countCharacters(text),
      cursorOffset: filePosition(state, state.selection.main.head), mustHelp,
    },
  };
  try {
    return await ask<InferenceAnswer>("/api/backend/inference", body);
  } catch (error) {
    if (error instanceof RefusedError && error.status === SUPERSEDED) return null;
    throw error;
  }
}
