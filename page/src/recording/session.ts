// One recorded session: keystrokes as they come, a state once a round, each sent until it is on the server's disk.
import type { EditorState, Transaction } from "@codemirror/state";
import { ask, RefusedError, sendBeacon } from "../api/client";
import type { ChangeMessage } from "../api/messages";
import { countCharacters, filePosition, fileText } from "../editor/coordinates";
import { originOf } from "../editor/origins";
import { attribution, type LineEntry } from "./attribution";

const FLUSH_MS = 400;
const RETRY_MS = 2000;

/** Refusals that trying again does not help. */
const LASTING = [400, 401, 403, 404, 409, 422];

export interface RecordedAction { H: null; A: { type: number; line: number; request_id?: string } }

interface StateMessage {
  text: string;
  timestep: number;
  timestamp_ms: number;
  action: RecordedAction | null;
  attribution: LineEntry[];
}

/** Called with why nothing is recorded now (null: it is), and whether that stays so. */
export type ReportRecording = (reason: string | null, isLasting: boolean) => void;

export class RecordedSession {
  timestep = -1;
  posted: StateMessage | null = null;
  lastMover: "person" | "assistant" | null = null;
  #turn = 0;
  #undone: number[] = [];
  #changes: ChangeMessage[] = []; // not acknowledged yet
  #first = 0; // number of #changes[0]
  #sending: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | null = null;

  private constructor(readonly id: string, private readonly report: ReportRecording) {}

  static async begin(problemId: string, state: EditorState, report: ReportRecording): Promise<RecordedSession> {
    const { episode_id: id } = await ask<{ episode_id: string }>("/api/backend/episodes/start", { problem_id: problemId });
    const session = new RecordedSession(id, report);
    void session.postState(state, null);
    return session;
  }

  /** Whether the editor holds what was posted last. */
  isPosted(state: EditorState): boolean {
    return this.posted?.text === fileText(state);
  }

  /** Notes what a transaction did to the text. */
  noteTransaction(transaction: Transaction): void {
    const origin = originOf(transaction);
    let before = transaction.startState;
    transaction.changes.iterChanges((fromA, toA, fromB, toB, inserted) => {
      const removed = before.doc.sliceString(fromA, toA);
      const position = filePosition(transaction.state, fromB);
      this.#changes.push([Date.now(), position, countCharacters(removed), inserted.toString(), origin]);
      if (origin === "undo") this.#undone = [transaction.state.doc.lineAt(Math.min(fromB, toB)).number - 1];
    });
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    return this.#enqueue(() => this.#sendChanges());
  }

  /** The person's state (action null) or the assistant's. */
  postState(state: EditorState, action: RecordedAction | null): Promise<void> {
    this.timestep += 1;
    if (action === null) this.#turn = this.timestep;
    const message = this.#message(state, action);
    if (action === null) this.#undone = [];
    this.lastMover = action === null ? "person" : "assistant";
    this.posted = message;
    return this.#enqueue(() => ask(this.#path("state"), message));
  }

  async end(state: EditorState): Promise<void> {
    if (!this.isPosted(state)) void this.postState(state, null);
    void this.flush();
    await this.#enqueue(() => ask(this.#path("end"), {}));
  }

  /** The tab closes: what is not sent goes now. A session whose last state is sent ends; the server ends others later. */
  close(state: EditorState): void {
    this.#sendChanges({ keepalive: true }).catch(() => undefined);
    if (this.isPosted(state)) {
      sendBeacon(this.#path("end"));
      return;
    }
    this.timestep += 1;
    this.#turn = this.timestep;
    ask(this.#path("state"), this.#message(state, null), { keepalive: true }).catch(() => undefined);
  }

  #path(name: string): string {
    return `/api/backend/episodes/${this.id}/${name}`;
  }

  #message(state: EditorState, action: RecordedAction | null): StateMessage {
    const undone = action === null ? this.#undone : [];
    return {
      text: fileText(state), timestep: this.timestep, timestamp_ms: Date.now(), action,
      attribution: attribution(state, this.#turn, this.timestep, undone),
    };
  }

  async #sendChanges(options: { keepalive?: boolean } = {}): Promise<void> {
    if (!this.#changes.length) return;
    const body = { first: this.#first, changes: this.#changes };
    try {
      const { next } = await ask<{ next: number }>(this.#path("changes"), body, options);
      this.#acknowledge(next);
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 409 && error.next !== null && error.next >= this.#first)) throw error;
      this.#acknowledge(error.next);
    }
  }

  #acknowledge(next: number): void {
    this.#changes.splice(0, next - this.#first);
    this.#first = next;
  }

  // One after the other; tries again while the disk or the server refuses.
  #enqueue(send: () => Promise<unknown>): Promise<void> {
    this.#sending = this.#sending.catch(() => undefined).then(async () => {
      for (;;) {
        try {
          await send();
          this.report(null, false);
          return;
        } catch (error) {
          const isLasting = error instanceof RefusedError && LASTING.includes(error.status);
          this.report(error instanceof Error ? error.message : String(error), isLasting);
          if (isLasting) throw error;
          await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });
        }
      }
    });
    this.#sending.catch(() => undefined);
    return this.#sending;
  }
}
