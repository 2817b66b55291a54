// What one session has recorded and the server has not confirmed, kept in the browser: a text, the changes since, the states
// of rounds, what the person did beside typing. A reload or a crash goes on from it. Not here: sending.
import type { ActivityMessage, ChangeMessage } from "../api/messages";
import type { FileSelection } from "../editor/editor";
import { applyChanges } from "../editor/changes";
import type { LineEntry } from "./attribution";
import { StoredValues, type TextStorage } from "./storage";

export interface RecordedAction { H: null; A: { type: number; line: number; request_id?: string } }

export interface StateMessage {
  text: string;
  timestep: number;
  timestamp_ms: number;
  action: RecordedAction | null;
  attribution: LineEntry[];
}

/** What of an earlier session is on the server's disk: its last state's timestep, how many changes. null: it does not say. */
export interface SourceOnDisk {
  timestep: number | null;
  changes: number | null;
}

interface PendingState {
  /** Changes before it. */
  number: number;
  /** Whether those changes lead to its text, so that it need not be stored. */
  isReached: boolean;
  message: StateMessage;
}

interface Numbered<Entry> {
  first: number;
  entries: Entry[];
}

interface Progress {
  /** null: the server has not begun it. */
  session: string | null;
  /** Session from whose end this one goes on; null: none. */
  source: string | null;
  acknowledged: number;
  /** Whether the server has the text from which the changes go on. */
  hasFirstState: boolean;
  timestep: number;
  turn: number;
  selection: FileSelection | null;
  activity: Numbered<ActivityMessage>;
  /** Changes until the text was saved as a file; null: it never was. */
  saved: number | null;
  /** What the text of the person's file is based on, as the server names it; null: unknown. */
  revision?: string | null;
  /** Changes before the latest state; null: there is none. */
  posted: number | null;
  isEnding: boolean;
  touched: number;
}

const PREFIX = "codeassist.journal.";
const MOST_IN_BATCH = 32;
const MOST_CHARACTERS_IN_BATCH = 4000;
const COMPACTED_AT = 128;
const MOST_ACTIVITY = 1000;

export class Journal<About = unknown> {
  isKept = true;
  #base: { text: string; number: number };
  #changes: ChangeMessage[] = []; // since the base
  #batches: (Numbered<ChangeMessage> & { characters: number })[] = []; // as they are stored
  #states: PendingState[] = [];
  #posted: string | null = null;
  readonly #values: StoredValues;

  private constructor(
    readonly key: string, readonly about: About, private readonly storage: TextStorage, text: string, private progress: Progress,
  ) {
    this.#values = new StoredValues(storage, `${PREFIX}${key}.`);
    this.#base = { text, number: 0 };
  }

  static begin<About>(storage: TextStorage, key: string, about: About, text: string): Journal<About> {
    const journal = new Journal(key, about, storage, text, {
      session: null, source: null, acknowledged: 0, hasFirstState: false, timestep: -1, turn: 0, selection: null, activity: { first: 0, entries: [] },
      saved: null, posted: null, isEnding: false, touched: Date.now(),
    });
    journal.#write("about", about);
    journal.#write("base", journal.#base);
    journal.#writeProgress();
    return journal;
  }

  /** Keys of what is kept. */
  static keys(storage: TextStorage): string[] {
    return new StoredValues(storage, PREFIX).names().filter((name) => name.endsWith(".base")).map((name) => name.slice(0, -".base".length));
  }

  /** What was kept under a key; null: nothing, or it is damaged. */
  static load<About>(storage: TextStorage, key: string): Journal<About> | null {
    const values = new StoredValues(storage, `${PREFIX}${key}.`);
    const about = values.read<About>("about");
    const base = values.read<{ text: string; number: number }>("base");
    const progress = values.read<Progress>("progress");
    if (about === null || base === null || progress === null) return null;
    const journal = new Journal(key, about, storage, base.text, progress);
    journal.#base = base;
    for (const { first, entries } of numberedValues<Numbered<ChangeMessage>>(values, "changes.")) {
      const known = journal.next - first;
      if (known < 0) break; // what comes after a gap cannot be told
      journal.#changes.push(...entries.slice(known));
      journal.#batches.push({ first, entries, characters: MOST_CHARACTERS_IN_BATCH });
    }
    journal.#states = numberedValues<PendingState>(values, "state.").filter(({ number }) => number <= journal.next).map(
      (state) => (state.isReached ? { ...state, message: { ...state.message, text: journal.#textAt(state.number) } } : state));
    if (progress.posted !== null && progress.posted >= base.number) journal.#posted = journal.#textAt(progress.posted);
    return journal;
  }

  static remove(storage: TextStorage, key: string): void {
    const values = new StoredValues(storage, `${PREFIX}${key}.`);
    for (const name of values.names()) values.remove(name);
  }

  get session(): string | null { return this.progress.session; }
  get source(): string | null { return this.progress.source; }
  get timestep(): number { return this.progress.timestep; }
  get turn(): number { return this.progress.turn; }
  get selection(): FileSelection | null { return this.progress.selection; }
  get isEnding(): boolean { return this.progress.isEnding; }
  get touched(): number { return this.progress.touched; }
  get acknowledged(): number { return this.progress.acknowledged; }
  get hasFirstState(): boolean { return this.progress.hasFirstState; }

  /** Number of the next change. */
  get next(): number { return this.#base.number + this.#changes.length; }

  /** Whether the server has everything. */
  get isAcknowledged(): boolean {
    return this.progress.session !== null && this.acknowledged === this.next && !this.#states.length && !this.progress.activity.entries.length;
  }

  /** Whether the text is the file's that was saved last, or none was changed. */
  get isSaved(): boolean { return this.progress.saved === this.next; }

  /** Of the content of the person's file that the text is based on; null: unknown. */
  get revision(): string | null { return this.progress.revision ?? null; }

  /** The text with every change. */
  text(): string { return this.#textAt(this.next); }

  addChanges(changes: readonly ChangeMessage[], selection: FileSelection): void {
    for (const change of changes) {
      let batch = this.#batches.at(-1);
      if (!batch || batch.entries.length >= MOST_IN_BATCH || batch.characters >= MOST_CHARACTERS_IN_BATCH) {
        if (batch) this.#writeBatch(batch);
        batch = { first: this.next, entries: [], characters: 0 };
        this.#batches.push(batch);
      }
      batch.entries.push(change);
      batch.characters += change[3].length;
      this.#changes.push(change);
    }
    const latest = this.#batches.at(-1);
    if (changes.length && latest) this.#writeBatch(latest);
    this.noteSelection(selection);
  }

  noteSelection(selection: FileSelection): void {
    this.progress.selection = selection;
    this.progress.touched = Date.now();
    this.#writeProgress();
  }

  /** changes: those that the saved text has. */
  noteSaved(revision: string | null, changes = this.next): void {
    this.progress.saved = changes;
    this.progress.revision = revision;
    this.#writeProgress();
  }

  noteEnding(): void {
    this.progress.isEnding = true;
    this.#writeProgress();
  }

  noteBegun(session: string): void {
    this.progress.session = session;
    this.#writeProgress();
  }

  /** Changes that are not acknowledged, the first ones. */
  pendingChanges(most: number): { first: number; changes: ChangeMessage[] } {
    const first = this.acknowledged;
    const start = first - this.#base.number;
    return { first, changes: this.#changes.slice(start, start + most) };
  }

  acknowledgeChanges(next: number): void {
    this.progress.acknowledged = Math.min(Math.max(next, this.#base.number), this.next);
    this.#writeProgress();
    if (this.#changes.length >= COMPACTED_AT || !this.isKept) this.#compact();
  }

  /** isReached: whether the changes so far lead to its text. */
  addState(message: StateMessage, isReached = true): void {
    this.progress.timestep = message.timestep;
    if (message.action === null) this.progress.turn = message.timestep;
    const state: PendingState = { number: this.next, isReached, message };
    this.#states.push(state);
    this.#posted = message.text;
    this.progress.posted = isReached ? this.next : null;
    this.#writeState(state);
    this.#writeProgress();
  }

  /** Takes back the latest state if it is the person's, not the first, and not acknowledged. */
  dropLatestState(): void {
    const latest = this.#states.at(-1);
    const isFirst = this.#states.length === 1 && !this.progress.hasFirstState;
    if (!latest || latest.message.action !== null || isFirst) return;
    this.#states.pop();
    this.#values.remove(`state.${latest.message.timestep}`);
    this.progress.timestep -= 1;
  }

  pendingStates(): StateMessage[] { return this.#states.map(({ message }) => message); }

  acknowledgeState(message: StateMessage): void {
    const place = this.#states.findIndex((state) => state.message === message);
    if (place < 0) return; // a later one has taken its place
    this.#states.splice(place, 1);
    this.#values.remove(`state.${message.timestep}`);
    if (!this.progress.hasFirstState) {
      this.progress.hasFirstState = true;
      this.#writeProgress();
    }
    if (this.#changes.length >= COMPACTED_AT) this.#compact();
  }

  /** Text of the latest state; null: none was posted. */
  get posted(): string | null { return this.#posted; }

  addActivity(event: ActivityMessage): void {
    const { activity } = this.progress;
    if (activity.entries.length < MOST_ACTIVITY) activity.entries.push(event);
    this.#writeProgress();
  }

  pendingActivity(): { first: number; events: ActivityMessage[] } {
    const { first, entries } = this.progress.activity;
    return { first, events: [...entries] };
  }

  acknowledgeActivity(next: number): void {
    const { activity } = this.progress;
    activity.entries.splice(0, Math.max(next - activity.first, 0));
    activity.first = next;
    this.#writeProgress();
  }

  /** Forgets events that the server does not take; next: the number that it expects, null: unknown. */
  dropActivity(next: number | null): void {
    const { activity } = this.progress;
    this.progress.activity = { first: next ?? activity.first, entries: [] };
    this.#writeProgress();
  }

  /** The server has not this session any more: what is not on its disk goes on in a new one. */
  leaveSession(): void {
    this.progress.source = this.progress.session;
    this.progress.session = null;
    this.#writeProgress();
  }

  /** Goes on in a new session, which begins with the text as the disk has it; what comes after it is sent as restored. */
  continueIn(session: string, onDisk: SourceOnDisk): void {
    const number = Math.min(Math.max(onDisk.changes ?? this.acknowledged, this.#base.number), this.next);
    const timestep = onDisk.timestep ?? this.timestep;
    const text = this.#textAt(number);
    const later = this.#changes.slice(number - this.#base.number).map(
      ([ms, position, deleted, inserted]): ChangeMessage => [ms, position, deleted, inserted, "restored"]);
    const states = this.#states.filter(({ message, number: at }) => message.timestep > timestep && at >= number);
    for (const name of this.#values.names()) if (/^(changes|state)\./.test(name)) this.#values.remove(name);
    const first: StateMessage = { text, timestep: timestep + 1, timestamp_ms: Date.now(), action: null, attribution: [] };
    this.#base = { text, number: 0 };
    this.#changes = later;
    this.progress = {
      ...this.progress, session, source: null, acknowledged: 0, hasFirstState: false, turn: timestep + 1,
      activity: { first: 0, entries: this.progress.activity.entries },
      saved: this.progress.saved === null || this.progress.saved < number ? null : this.progress.saved - number,
    };
    this.#states = [{ number: 0, isReached: true, message: first }];
    states.forEach(({ number: at, isReached, message }, i) => {
      this.#states.push({ number: at - number, isReached, message: { ...message, timestep: timestep + 2 + i } });
    });
    const latest = this.#states.at(-1);
    this.progress.timestep = timestep + 1 + states.length;
    this.progress.posted = latest?.number ?? 0;
    this.#posted = latest?.message.text ?? text;
    this.#writeAll();
  }

  remove(): void {
    Journal.remove(this.storage, this.key);
  }

  /** Writes what is kept again if it could not be before. */
  retry(): void {
    if (!this.isKept) this.#compact();
  }

  #textAt(number: number): string {
    const changes = this.#changes.slice(0, number - this.#base.number);
    return applyChanges(this.#base.text, changes.map(([, position, deleted, inserted]) => ({ position, deleted, inserted })));
  }

  // Takes what is acknowledged into the text from which the changes go on. At each step the stored values are whole.
  #compact(): void {
    const earliest = Math.min(this.acknowledged, ...this.#states.map(({ number }) => number));
    const base = { text: this.#textAt(earliest), number: earliest };
    const wasKept = this.isKept;
    this.isKept = true;
    this.#write("base", base);
    if (!this.isKept) return;
    this.#changes.splice(0, earliest - this.#base.number);
    this.#base = base;
    const stale = this.#batches.filter(({ first, entries }) => first + entries.length <= earliest);
    this.#batches = this.#batches.filter((batch) => !stale.includes(batch));
    for (const { first } of stale) this.#values.remove(`changes.${first}`);
    if (!wasKept) this.#writeRest();
  }

  #writeAll(): void {
    this.isKept = true;
    this.#batches = [];
    for (let i = 0; i < this.#changes.length; i += MOST_IN_BATCH) {
      const entries = this.#changes.slice(i, i + MOST_IN_BATCH);
      this.#batches.push({ first: this.#base.number + i, entries, characters: MOST_CHARACTERS_IN_BATCH });
    }
    this.#write("base", this.#base);
    this.#writeRest();
  }

  #writeRest(): void {
    this.#write("about", this.about);
    for (const batch of this.#batches) this.#writeBatch(batch);
    for (const state of this.#states) this.#writeState(state);
    this.#writeProgress();
  }

  #writeState(state: PendingState): void {
    const stored = state.isReached ? { ...state, message: { ...state.message, text: "" } } : state;
    this.#write(`state.${state.message.timestep}`, stored);
  }

  #writeBatch({ first, entries }: Numbered<ChangeMessage>): void {
    this.#write(`changes.${first}`, { first, entries });
  }

  #writeProgress(): void {
    this.#write("progress", this.progress);
  }

  #write(name: string, value: unknown): void {
    if (!this.#values.write(name, value)) this.isKept = false;
  }
}

function numberedValues<Value>(values: StoredValues, prefix: string): Value[] {
  return values.names().filter((name) => name.startsWith(prefix))
    .sort((a, b) => Number(a.slice(prefix.length)) - Number(b.slice(prefix.length)))
    .flatMap((name) => values.read<Value>(name) ?? []);
}
