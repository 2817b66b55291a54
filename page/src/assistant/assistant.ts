// Asks for help when the person pauses and puts what comes into the file. Not here: when (`trigger`), marks, words.
import { isolateHistory } from "@codemirror/commands";
import type { EditorView } from "@codemirror/view";
import { ask, RefusedError } from "../api/client";
import type { InferenceAnswer } from "../api/messages";
import { countCharacters, filePosition, fileText } from "../editor/coordinates";
import { difference } from "../editor/difference";
import { originAnnotation } from "../editor/origins";
import type { RecordedSession } from "../recording/session";
import { Store } from "../store";

export class Assistant {
  /** What the latest request gave; null: nothing yet, or it is under way. */
  readonly latest = new Store<InferenceAnswer | null>(null);
  #asking = 0;

  /** What is under way is not wanted any more. */
  cancel(): void {
    this.#asking += 1;
  }

  async help(view: EditorView, session: RecordedSession): Promise<void> {
    const request = (this.#asking += 1);
    const { state } = view;
    if (session.lastMover === "assistant" || !session.isPosted(state)) void session.postState(state, null);
    const answer = await this.#ask(view, session);
    if (answer === null || request !== this.#asking || view.state.doc !== state.doc) return;
    if (answer.unified_diff) place(view, answer.metadata.new_text);
    const [type, line] = answer.metadata.action;
    void session.postState(view.state, { H: null, A: { type, line, request_id: answer.metadata.request_id } });
    this.latest.set(answer);
  }

  async #ask({ state }: EditorView, session: RecordedSession): Promise<InferenceAnswer | null> {
    const text = fileText(state);
    const body = {
      episode_id: session.id, text, timestep: session.timestep, attribution: session.posted?.attribution ?? [],
      context: { file_type: "python", file_length: countCharacters(text), cursorOffset: filePosition(state, state.selection.main.head) },
    };
    try {
      return await ask<InferenceAnswer>("/api/backend/inference", body);
    } catch (error) {
      if (error instanceof RefusedError && error.status === 499) return null;
      throw error;
    }
  }
}

/** Puts the assistant's file in as one undo step; the cursor stays where it was in what stays. */
function place(view: EditorView, text: string): void {
  const { from, removed, inserted } = difference(fileText(view.state), text);
  view.dispatch({
    changes: { from, to: from + removed.length, insert: inserted },
    annotations: [originAnnotation.of("assistant"), isolateHistory.of("full")],
  });
}
