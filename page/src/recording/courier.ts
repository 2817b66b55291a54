// Brings a journal's entries to the server, each until it is on its disk: in order, in batches, again after a lost connection.
import { errorText, RefusedError } from "../api/errors";
import type { StartAnswer } from "../api/messages";
import { after } from "../timing";
import type { Journal } from "./journal";

/** Throws RefusedError, or something else if there is no answer. */
export type Post = <Answer>(path: string, body: unknown, options?: { keepalive?: boolean }) => Promise<Answer>;

/** Called with why nothing is recorded now (null: it is), and whether that stays so. */
export type ReportRecording = (reason: string | null, isLasting: boolean) => void;

export interface CourierOptions {
  post: Post;
  report: ReportRecording;
  /** With which a session begins. */
  start: Record<string, unknown>;
  /** Milliseconds before a failed request is sent again, by how often it has failed. */
  delay?: (failures: number) => number;
}

/** Refusals that trying again does not help. */
const LASTING = [400, 401, 403, 404, 409, 413, 422];

const MOST_CHANGES = 2000;
const MOST_KEEPALIVE_BYTES = 60_000; // the browser allows 64 KiB, for all requests together
const MOST_RESTARTS = 3; // without anything sent in between

/** next: number of the entry that the server expects next. */
interface NextAnswer { next: number }

/** Something that is sent on its own, one message after the other. */
type Lane = () => (() => Promise<void>) | null;

export class Courier {
  #running = new Map<Lane, Promise<void>>();
  #beginning: Promise<void> | null = null;
  #starting: Promise<void> | null = null; // the request under way
  #wakes: (() => void)[] = [];
  #failures = 0;
  #restarts = 0;
  #hasStopped = false;
  readonly #stateLane: Lane = () => this.#nextStates();
  readonly #lanes: readonly Lane[] = [this.#stateLane, () => this.#nextChanges(), () => this.#nextActivity()];

  constructor(private readonly journal: Journal<unknown>, private readonly options: CourierOptions) {}

  /** Whether the latest request found no server, or one that refused. */
  get isFailing(): boolean { return this.#failures > 0; }

  /** Nothing more is sent from here. */
  stop(): void {
    this.#hasStopped = true;
    this.#wake();
  }

  /** Whether the server has answered, within so long, the request to begin the session, if one is under way. */
  async isStartAnswered(ms: number): Promise<boolean> {
    const answered = this.#starting?.then(() => true, () => true) ?? true;
    return Promise.race([answered, after(ms).then(() => false)]);
  }

  sendStates(): Promise<void> { return this.#run(this.#stateLane); }

  /** Resolves when everything is on the server's disk; throws what trying again does not help. */
  async send(): Promise<void> {
    do await Promise.all(this.#lanes.map((lane) => this.#run(lane)));
    while (!this.#hasStopped && this.#lanes.some((lane) => lane() !== null)); // something was noted meanwhile
  }

  /** Tries again at once what waits. */
  retry(): void { this.#wake(); }

  async end(): Promise<void> {
    await this.send();
    await this.#untilDone(async () => {
      try {
        await this.options.post(this.#path("end"), {});
      } catch (error) {
        if (!(error instanceof RefusedError && error.status === 404)) throw error; // it has ended already
      }
    });
  }

  /** The tab closes: as much as the browser lets go now; the journal keeps what is not acknowledged. */
  leave(): void {
    if (this.journal.session === null) return;
    let room = MOST_KEEPALIVE_BYTES;
    const { journal } = this;
    const bodies: [string, unknown][] = [
      ["changes", journal.pendingChanges(Infinity)], ...journal.pendingStates().map((state): [string, unknown] => ["state", state]),
      ["activity", journal.pendingActivity()],
    ];
    for (const [name, body] of bodies) {
      if (isEmpty(body)) continue;
      const size = new TextEncoder().encode(JSON.stringify(body)).length;
      if (size > room) continue;
      room -= size;
      this.options.post(this.#path(name), body, { keepalive: true }).catch(() => undefined);
    }
  }

  #run(lane: Lane): Promise<void> {
    let running = this.#running.get(lane);
    if (!running) {
      running = this.#drain(lane);
      running.catch(() => this.#running.delete(lane));
      this.#running.set(lane, running);
    }
    return running;
  }

  async #drain(lane: Lane): Promise<void> {
    await null; // what is noted in the same turn goes along
    while (!this.#hasStopped) {
      if (this.journal.session === null) {
        await (this.#beginning ??= this.#begin().finally(() => { this.#beginning = null; }));
        continue; // it may have stopped meanwhile
      }
      const next = lane();
      if (next === null) break;
      await this.#attempt(next);
    }
    this.#running.delete(lane);
  }

  async #untilDone(send: () => Promise<void>): Promise<void> {
    while (!this.#hasStopped && !(await this.#attempt(send)));
  }

  // Whether it succeeded; if not, it is time to try again. A session that the server does not know goes on in a new one.
  async #attempt(send: () => Promise<void>): Promise<boolean> {
    const { session } = this.journal;
    try {
      await send();
    } catch (error) {
      const status = error instanceof RefusedError ? error.status : null;
      if (session !== null && this.journal.session !== session) return false; // it was of a session that has been left
      if (status === 404 && session !== null && this.#restarts < MOST_RESTARTS) {
        this.#restarts += 1;
        this.journal.leaveSession();
        return false;
      }
      this.#failures += 1;
      const isLasting = status !== null && LASTING.includes(status);
      this.options.report(errorText(error), isLasting);
      if (isLasting) throw error;
      await this.#pause();
      return false;
    }
    this.#failures = 0;
    this.options.report(null, false);
    return true;
  }

  #begin(): Promise<void> {
    return this.#untilDone(async () => {
      this.#starting = this.#start();
      await this.#starting.finally(() => { this.#starting = null; });
      for (const lane of this.#lanes) void this.#run(lane);
    });
  }

  async #start(): Promise<void> {
    const { post } = this.options;
    const { source, key } = this.journal;
    const start = { ...this.options.start, idempotency_key: source === null ? key : `${key} after ${source}` };
    const path = "/api/backend/episodes/start";
    let answer: StartAnswer;
    try {
      answer = await post(path, source === null ? start : { ...start, source_episode: source });
    } catch (error) {
      if (source === null || !(error instanceof RefusedError && (error.status === 404 || error.status === 422))) throw error;
      answer = await post(path, start); // the earlier session is gone
    }
    const { source_timestep: timestep = null, source_changes: changes = null } = answer;
    if (source === null) this.journal.noteBegun(answer.episode_id);
    else this.journal.continueIn(answer.episode_id, { timestep, changes });
  }

  #nextStates(): (() => Promise<void>) | null {
    const message = this.journal.pendingStates()[0];
    return message === undefined ? null : async () => {
      await this.#postToSession("state", message, () => this.journal.acknowledgeState(message));
    };
  }

  #nextChanges(): (() => Promise<void>) | null {
    const { journal } = this;
    const body = journal.pendingChanges(MOST_CHANGES);
    if (body.changes.length === 0) return null;
    if (!journal.hasFirstState) return journal.pendingStates().length ? () => this.sendStates() : null; // to which the changes belong
    return () => this.#postToSession<NextAnswer>("changes", body, ({ next }) => journal.acknowledgeChanges(next));
  }

  #nextActivity(): (() => Promise<void>) | null {
    const body = this.journal.pendingActivity();
    return body.events.length === 0 ? null : async () => {
      try {
        await this.#postToSession<NextAnswer>("activity", body, ({ next }) => this.journal.acknowledgeActivity(next));
      } catch (error) {
        if (!(error instanceof RefusedError && (error.status === 422 || error.status === 409))) throw error;
        this.journal.dropActivity(error.next); // what cannot be kept holds up nothing else
      }
    };
  }

  // An answer of a session that has been left says nothing about the one after it.
  async #postToSession<Answer>(name: string, body: unknown, acknowledge: (answer: Answer) => void): Promise<void> {
    const { session } = this.journal;
    const answer = await this.options.post<Answer>(this.#path(name), body);
    if (this.journal.session !== session) return;
    this.#restarts = 0;
    acknowledge(answer);
  }

  #path(name: string): string {
    return `/api/backend/episodes/${this.journal.session}/${name}`;
  }

  #pause(): Promise<void> {
    const { delay = growingDelay } = this.options;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay(this.#failures));
      this.#wakes.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}

function growingDelay(failures: number): number {
  return Math.min(500 * 2 ** Math.min(failures - 1, 5), 10_000);
}

function isEmpty(body: unknown): boolean {
  const { changes, events } = body as { changes?: unknown[]; events?: unknown[] };
  return (changes ?? events)?.length === 0;
}
