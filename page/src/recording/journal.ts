// What one session has recorded and the server has not confirmed, kept in the browser: a text, the changes since, the states
// of rounds, what the person did beside typing. A reload or a crash goes on from it. Not here: sending.
import type { ActivityMessage, ChangeMessage } from "../api/messages";
import type { FileSelection } from "../editor/editor";
import { applyChanges } from "../editor/changes";
import { type LineAttribution, type LineChange, type LineEntry, renumbered, type SpecialFlag } from "./attribution";
import { LineLog, type StoredLines, type StoredStep } from "./line-log";
import { StoredValues, type TextStorage } from "./storage";

export interface RecordedAction { H: null; A: { type: number; line: number; request_id?: string; dropped?: string } }

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

/** Changes as they are stored, with what each did to the lines. */
interface StoredBatch extends Numbered<ChangeMessage> {
  lines?: StoredStep[][];
}

interface Base {
  text: string;
  number: number;
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
  /** Changes until the text was saved as a file; null: it never was. */
  saved: number | null;
  /** What the text of the person's file is based on, as the server names it; null: unknown. */
  revision?: string | null;
  /** Changes before the latest state; null: there is none. */
  posted: number | null;
  isEnding: boolean;
  touched: number;
  /** When the document was opened first. */
  opened?: number;
}

/** What is told of a journal without reading all of it. */
export interface JournalSummary<About> {
  key: string;
  about: About;
  isEnding: boolean;
  /** Milliseconds since 1970. */
  touched: number;
}

const PREFIX = "codeassist.journal.";
const MOST_IN_BATCH = 32;
const MOST_CHARACTERS_IN_BATCH = 4000;
const COMPACTED_AT = 128;
const MOST_ACTIVITY = 1000;

export class Journal<About = unknown> {
  isKept = true;
  #base: Base;
  #changes: ChangeMessage[] = []; // since the base
  #batches: (Numbered<ChangeMessage> & { characters: number })[] = []; // as they are stored
  #states: PendingState[] = [];
  #posted: string | null = null;
  #lines = new LineLog();
  #activity: Numbered<ActivityMessage> = { first: 0, entries: [] };
  readonly #values: StoredValues;

  private constructor(
    readonly key: string, readonly about: About, private readonly storage: TextStorage, text: string, private progress: Progress,
  ) {
    this.#values = new StoredValues(storage, `${PREFIX}${key}.`);
    this.#base = { text, number: 0 };
  }

  static begin<About>(storage: TextStorage, key: string, about: About, text: string): Journal<About> {
    const journal = new Journal(key, about, storage, text, {
      session: null, source: null, acknowledged: 0, hasFirstState: false, timestep: -1, turn: 0, selection: null,
      saved: null, posted: null, isEnding: false, touched: Date.now(), opened: Date.now(),
    });
    journal.#write("about", about);
    journal.#writeBase();
    journal.#writeProgress();
    return journal;
  }

  /** Keys of what is kept. */
  static keys(storage: TextStorage): string[] {
    return new StoredValues(storage, PREFIX).names().filter((name) => name.endsWith(".base")).map((name) => name.slice(0, -".base".length));
  }

  /** Of a journal that another tab may be writing just now: changes nothing. null: there is none, or it is damaged. */
  static summary<About>(storage: TextStorage, key: string): JournalSummary<About> | null {
    const values = new StoredValues(storage, `${PREFIX}${key}.`);
    const about = values.read<About>("about");
    const progress = values.read<Progress>("progress");
    return about === null || progress === null ? null : { key, about, isEnding: progress.isEnding, touched: progress.touched };
  }

  /** What was kept under a key, for the one tab that goes on with it; null: nothing, or it is damaged. */
  static load<About>(storage: TextStorage, key: string): Journal<About> | null {
    const values = new StoredValues(storage, `${PREFIX}${key}.`);
    const about = values.read<About>("about");
    const base = values.read<Base & { lines?: StoredLines }>("base");
    const progress = values.read<Progress>("progress");
    if (about === null || base === null || progress === null) return null;
    const journal = new Journal(key, about, storage, base.text, progress);
    journal.#base = { text: base.text, number: base.number };
    journal.#activity = values.read<Numbered<ActivityMessage>>("activity") ?? journal.#activity;
    const steps: (StoredStep[] | undefined)[] = [];
    for (const { first, entries, lines = [] } of numberedValues<StoredBatch>(values, "changes.")) {
      const known = journal.next - first;
      if (known < 0) break; // what comes after a gap cannot be told
      journal.#changes.push(...entries.slice(known));
      steps.push(...entries.slice(known).map((_, i) => lines[known + i]));
      journal.#batches.push({ first, entries, characters: MOST_CHARACTERS_IN_BATCH });
    }
    journal.#lines = new LineLog(base.lines, steps);
    journal.#states = numberedValues<PendingState>(values, "state.").filter(({ number }) => number <= journal.next).map(
      (state) => (state.isReached ? { ...state, message: { ...state.message, text: journal.#textAt(state.number) } } : state));
    if (progress.posted !== null && progress.posted >= base.number) journal.#posted = journal.#textAt(progress.posted);
    journal.#fillGaps();
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
    return this.progress.session !== null && this.acknowledged === this.next && !this.#states.length && !this.#activity.entries.length;
  }

  /** Whether the text is the file's that was saved last, or none was changed. */
  get isSaved(): boolean { return this.progress.saved === this.next; }

  /** Of the content of the person's file that the text is based on; null: unknown. */
  get revision(): string | null { return this.progress.revision ?? null; }

  /** When the document was opened first. */
  get opened(): number { return this.progress.opened ?? this.progress.touched; }

  /** Who edited each line. */
  get attribution(): LineAttribution { return this.#lines.now; }

  /** The text with every change. */
  text(): string { return this.#textAt(this.next); }

  /** done: what the changes, of one transaction, did to the lines; `attribution` has followed it. */
  addChanges(changes: readonly ChangeMessage[], selection: FileSelection, done: readonly LineChange[] = []): void {
    this.#lines.add(changes.length, done);
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

  /** Takes a mark away from the lines that have it. */
  unmark(flag: SpecialFlag): void {
    const latest = this.#batches.at(-1);
    if (this.#lines.unmark(flag) && latest) this.#writeBatch(latest);
    else this.#writeBase();
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
    if (this.#activity.entries.length < MOST_ACTIVITY) this.#activity.entries.push(event);
    this.#writeActivity();
  }

  pendingActivity(): { first: number; events: ActivityMessage[] } {
    const { first, entries } = this.#activity;
    return { first, events: [...entries] };
  }

  acknowledgeActivity(next: number): void {
    this.#activity.entries.splice(0, Math.max(next - this.#activity.first, 0));
    this.#activity.first = next;
    this.#writeActivity();
  }

  /** Forgets events that the server does not take; next: the number that it expects, null: unknown. */
  dropActivity(next: number | null): void {
    this.#activity = { first: next ?? this.#activity.first, entries: [] };
    this.#writeActivity();
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
    // A turn of before is that of the next state which there still is; what is on the disk without one, that of the first.
    const turnNow = (turn: number): number => {
      const place = states.findIndex(({ message }) => message.timestep >= turn);
      return turn <= timestep ? turn : timestep + 2 + (place < 0 ? states.length : place);
    };
    this.#lines.moveBase(number - this.#base.number);
    this.#lines.renumber((turn) => Math.min(turn, timestep + 1), turnNow);
    this.#removeEntries();
    const attribution = this.#lines.at(0).lines;
    const first: StateMessage = { text, timestep: timestep + 1, timestamp_ms: Date.now(), action: null, attribution };
    this.#base = { text, number: 0 };
    this.#changes = later;
    this.#activity.first = 0;
    this.#states = [{ number: 0, isReached: true, message: first }];
    states.forEach(({ number: at, isReached, message }, i) => {
      this.#states.push({ number: at - number, isReached, message: {
        ...message, timestep: timestep + 2 + i, attribution: message.attribution.map((entry) => renumberedEntry(entry, turnNow)),
      } });
    });
    const latest = this.#states.at(-1);
    this.progress = {
      ...this.progress, session, source: null, acknowledged: 0, hasFirstState: false, timestep: timestep + 1 + states.length,
      turn: this.#states.findLast(({ message }) => message.action === null)?.message.timestep ?? timestep + 1, posted: latest?.number ?? 0,
      saved: this.progress.saved === null || this.progress.saved < number ? null : this.progress.saved - number,
    };
    this.#posted = latest?.message.text ?? text;
    this.#writeAll();
  }

  /** Another tab goes on with what is stored; this one writes nothing more. */
  close(): void {
    this.#values.close();
  }

  /** Nothing of it is kept any more, and nothing more is written, whoever still has it. */
  remove(): void {
    Journal.remove(this.storage, this.key);
    this.close();
  }

  /** Writes what is kept again if it could not be before. */
  retry(): void {
    if (!this.isKept) this.#compact();
  }

  // A full storage may have kept how much the server has confirmed, and not what that was.
  #fillGaps(): void {
    const { session, source, timestep, hasFirstState } = this.progress;
    const lacksFirstState = !hasFirstState && timestep >= 0 && !this.#states.length;
    if (this.acknowledged > this.next) this.#skipTo(this.acknowledged);
    else if (session !== null && lacksFirstState) this.leaveSession();
    else if (source === null && lacksFirstState) this.#beginAgain();
  }

  // The next change gets a number that the server has given to none; the text goes on in a new session.
  #skipTo(number: number): void {
    this.progress.saved = this.isSaved ? number : null;
    this.progress.posted = null;
    this.#lines.moveBase(this.#changes.length);
    this.#base = { text: this.text(), number };
    this.#changes = [];
    this.#states = this.#states.map(({ message }) => ({ number, isReached: false, message }));
    if (this.session !== null) this.leaveSession();
    this.#removeEntries();
    this.#writeAll();
  }

  #beginAgain(): void {
    const { text, number } = this.#base;
    const message: StateMessage = { text, timestep: 0, timestamp_ms: this.opened, action: null, attribution: this.#lines.at(0).lines };
    this.#states = [{ number, isReached: true, message }];
    this.#posted = text;
    this.progress = { ...this.progress, timestep: 0, turn: 0, posted: number };
  }

  #removeEntries(): void {
    for (const name of this.#values.names()) if (/^(changes|state)\./.test(name)) this.#values.remove(name);
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
    const count = earliest - this.#base.number;
    this.#writeBase(base, this.#lines.storedBase(count));
    if (!this.isKept) return;
    this.#lines.moveBase(count);
    this.#changes.splice(0, count);
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
    this.#writeBase();
    this.#writeRest();
  }

  #writeRest(): void {
    this.#write("about", this.about);
    this.#writeActivity();
    for (const batch of this.#batches) this.#writeBatch(batch);
    for (const state of this.#states) this.#writeState(state);
    this.#writeProgress();
  }

  #writeState(state: PendingState): void {
    const stored = state.isReached ? { ...state, message: { ...state.message, text: "" } } : state;
    this.#write(`state.${state.message.timestep}`, stored);
  }

  #writeBatch({ first, entries }: Numbered<ChangeMessage>): void {
    const batch: StoredBatch = { first, entries, lines: this.#lines.storedSteps(first - this.#base.number, entries.length) };
    this.#write(`changes.${first}`, batch);
  }

  #writeBase(base = this.#base, lines = this.#lines.storedBase()): void {
    this.#write("base", { ...base, lines });
  }

  #writeActivity(): void {
    this.#write("activity", this.#activity);
  }

  #writeProgress(): void {
    this.#write("progress", this.progress);
  }

  #write(name: string, value: unknown): void {
    if (!this.#values.write(name, value)) this.isKept = false;
  }
}

function renumberedEntry(entry: LineEntry, turnNow: (turn: number) => number): LineEntry {
  const { cursor, ...edits } = entry;
  return { ...renumbered(edits, turnNow), ...(cursor && { cursor: { ...cursor, turn: turnNow(cursor.turn) } }) };
}

function numberedValues<Value>(values: StoredValues, prefix: string): Value[] {
  return values.names().filter((name) => name.startsWith(prefix))
    .sort((a, b) => Number(a.slice(prefix.length)) - Number(b.slice(prefix.length)))
    .flatMap((name) => values.read<Value>(name) ?? []);
}
