// Whether what the person does is recorded, in words: as the open document's session tells, and a look at the server now and then.
import { notify } from "../notices";
import { Store } from "../store";
import type { RecordedSession } from "./session";

export interface RecordingSign {
  state: "idle" | "on" | "off";
  text: string;
}

const RECORDING: RecordingSign = { state: "on", text: "Recording" };
const IDLE: RecordingSign = { state: "idle", text: "Not recording: nothing is open" };
const WATCH_MS = 5000; // how often is looked whether the server is there

export class RecordingStatus {
  readonly sign = new Store<RecordingSign>(IDLE);
  #session: RecordedSession | null = null; // of which it tells
  #isReported = false;
  #isServerGone = false;

  /** whyUnreachable: looks whether the server is there; null: it is. */
  constructor(private readonly whyUnreachable: () => Promise<string | null>) {
    setInterval(() => void this.#watchServer(), WATCH_MS);
  }

  follow(session: RecordedSession): void {
    this.#session = session;
    this.#isReported = this.#isServerGone = false;
  }

  /** The session was begun, as far as nothing else is reported. */
  noteBegun(session: RecordedSession): void {
    if (this.#session === session && session.id && this.sign.value.state === "idle") this.sign.set(RECORDING);
  }

  /** Nothing is told of it any more. */
  leave(session: RecordedSession): void {
    if (this.#session !== session) return;
    this.#session = null;
    this.sign.set(IDLE);
  }

  /** reason: why nothing is recorded; null: it is. */
  report(session: RecordedSession, reason: string | null, isLasting: boolean): void {
    if (this.#session !== session) return;
    if (reason === null) {
      this.#isReported = false;
      this.sign.set(RECORDING);
      return;
    }
    const kept = session.isKept ? "Your text is kept in this browser" : "This browser has no room to keep your text: copy it";
    const next = isLasting ? "load this page again" : "recording goes on as soon as it can";
    this.sign.set({ state: "off", text: `Nothing is recorded: ${reason}. ${kept}; ${next}.` });
    if (!this.#isReported) notify(`Nothing is recorded now: ${reason}`, true);
    this.#isReported = true;
  }

  // A server that has ended is told of before anything is typed for it.
  async #watchServer(): Promise<void> {
    const session = this.#session;
    if (session === null || document.hidden) return;
    const reason = await this.whyUnreachable();
    if (this.#session !== session) return;
    const isBack = reason === null && this.#isServerGone;
    this.#isServerGone = reason !== null;
    if (reason !== null) this.report(session, reason, false);
    if (!isBack) return;
    if (session.isAcknowledged) this.report(session, null, false); // else what is sent now tells
    session.retry();
    void session.flush();
  }
}
