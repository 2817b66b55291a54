// A browser's storage and a server that records, both of which can fail as the real ones do.
import { RefusedError } from "../src/api/errors";
import type { ActivityMessage, ChangeMessage, StartAnswer } from "../src/api/messages";
import type { Post } from "../src/recording/courier";
import type { StateMessage } from "../src/recording/journal";
import type { TextStorage } from "../src/recording/storage";

export class FakeStorage implements TextStorage {
  readonly #values = new Map<string, string>();
  /** Characters that were ever stored. */
  written = 0;

  constructor(public capacity = Infinity) {}

  get length(): number { return this.#values.size; }

  get size(): number { return [...this.#values].reduce((sum, [key, text]) => sum + key.length + text.length, 0); }

  key(index: number): string | null { return [...this.#values.keys()][index] ?? null; }

  getItem(key: string): string | null { return this.#values.get(key) ?? null; }

  setItem(key: string, text: string): void {
    const before = this.#values.get(key);
    if (this.size - (before === undefined ? 0 : key.length + before.length) + key.length + text.length > this.capacity) throw new Error("full");
    this.#values.set(key, text);
    this.written += text.length;
  }

  removeItem(key: string): void { this.#values.delete(key); }
}

export class RecordedOnDisk {
  /** By timestep, the source's first. */
  readonly states = new Map<number, StateMessage>();
  readonly changes: ChangeMessage[] = [];
  readonly events: ActivityMessage[] = [];
  /** States that came with the session it goes on from. */
  copied = 0;
  idempotencyKey: unknown;
  isOpen = true;

  get ownStates(): StateMessage[] {
    return [...this.states.values()].sort((a, b) => a.timestep - b.timestep).slice(this.copied);
  }
}

export class FakeServer {
  readonly disk = new Map<string, RecordedOnDisk>();
  /** Requests that began a session. */
  readonly starts: Record<string, unknown>[] = [];
  /** Whether a request gets lost: before it is carried out, or its answer. */
  loses: (path: string) => "request" | "answer" | null = () => null;

  readonly post: Post = async <Answer>(path: string, body: unknown): Promise<Answer> => {
    await null;
    const lost = this.loses(path);
    if (lost === "request") throw new Error("no answer");
    const answer = this.#answer(path, JSON.parse(JSON.stringify(body)) as Record<string, unknown>);
    await null;
    if (lost === "answer") throw new Error("no answer");
    return answer as Answer;
  };

  /** Kills it and starts it again: no session is open any more. */
  restart(): void {
    for (const session of this.disk.values()) session.isOpen = false;
  }

  #answer(path: string, body: Record<string, unknown>): unknown {
    const [name, id] = path.split("/").reverse();
    if (name === "start") return this.#start(body);
    const session = this.disk.get(id ?? "");
    if (!session?.isOpen) throw new RefusedError(404, "is unknown or has ended");
    if (name === "state") session.states.set(body.timestep as number, body as unknown as StateMessage);
    if (name === "changes") return append(session.changes, body.first as number, body.changes as ChangeMessage[]);
    if (name === "activity") return append(session.events, body.first as number, body.events as ActivityMessage[]);
    if (name === "end") session.isOpen = false;
    return { ok: true };
  }

  #start(body: Record<string, unknown>): StartAnswer {
    this.starts.push(body);
    const { source_episode: source, idempotency_key: key } = body;
    const [begun] = [...this.disk].find(([, { idempotencyKey, isOpen, changes, ownStates }]) => (
      key !== undefined && isOpen && idempotencyKey === key && !changes.length && !ownStates.length)) ?? [];
    const session = new RecordedOnDisk();
    session.idempotencyKey = key;
    const id = begun ?? `session-${this.disk.size}`;
    const before = this.disk.get(source as string);
    for (const [timestep, state] of before?.states ?? []) session.states.set(timestep, state);
    session.copied = session.states.size;
    this.disk.set(id, session);
    if (!before) return { episode_id: id };
    const latest = Math.max(...before.states.keys());
    return { episode_id: id, source_changes: before.changes.length, ...(before.states.size ? { source_timestep: latest } : {}) };
  }
}

function append<Entry>(log: Entry[], first: number, entries: readonly Entry[]): { next: number } {
  if (first > log.length) throw new RefusedError(409, "missing", log.length);
  log.push(...entries.slice(log.length - first));
  return { next: log.length };
}
