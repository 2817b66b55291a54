// Which tab records a document: one at a time, until it ends it, hands it over or closes. Another tab may ask for it.
// The document's lock says which; its journal's lock says which tab sends it, which goes on for a while after the end.
import { after } from "../timing";
import { heldLocks, holdLock, type Lock } from "./lock";
import { type Answer, type ReceivedWish, Tabs, type Wish } from "./tabs";

const DOCUMENT = "codeassist.document.";
const JOURNAL = "codeassist.journal.";
const TAB_KEY = "codeassist.tab"; // of sessionStorage: the journal of this tab, over a reload
const HANDED_OVER_KEY = "codeassist.handed-over"; // of localStorage: the latest wish that was granted
const RELOADED_MS = 1000; // in which the page before has gone
const STORED_MS = 1000; // in which this tab sees what another one has stored
const ANSWERED_MS = 200; // in which it hears of one that is there
const LOOK_AGAIN_MS = 10;

const REASONS: Record<Answer, string> = {
  heard: "the other tab is busy; try again in a moment, or close it",
  "slow server": "the other tab waits for the server, which is slow; try again in a moment",
  "full storage": "the other tab has text that this browser has no room to keep. Go on there, or end its session there",
};
const SILENT = "the other tab does not answer: it is stopped or asleep. Look at it, which may wake it, or close it, then go on here";

/** What a tab that had a document gives back. */
export interface OwnedLocks {
  document: Lock | null;
  journal: Lock | null;
}

export class Ownership {
  #name: string | null = null;
  #locks: OwnedLocks = { document: null, journal: null };
  #key: string | null = null; // of the open document's journal
  readonly #tabs: Tabs;

  /** onWish: called when another tab wants to have the document of this one. */
  constructor(onWish: (wish: ReceivedWish) => void) {
    this.#tabs = new Tabs((wish) => {
      if (!this.has(wish.document)) return;
      wish.answer("heard");
      onWish(wish);
    });
  }

  /** Whether this tab has a document. */
  get isHeld(): boolean { return this.#name !== null; }

  has(name: string): boolean { return this.#name === name; }

  /** Whether it is the journal of what is open here. */
  hasJournal(key: string): boolean { return this.#key === key; }

  /** Whether this tab had it before it was loaded again. */
  wasOpenHere(key: string): boolean { return sessionStorage.getItem(TAB_KEY) === key; }

  /** Makes a document this tab's, instead of any other; false: another tab has it. */
  async take(name: string, waitMs = 0): Promise<boolean> {
    await this.release();
    return this.#note(name, await holdWithin(DOCUMENT + name, waitMs));
  }

  /** As `take`, from the tab that has it. Throws why it does not give it. */
  async takeOver(name: string): Promise<void> {
    const wish = this.#tabs.ask(name);
    await this.release();
    const lock = await holdLock(DOCUMENT + name, wish.signal);
    wish.end();
    if (!this.#note(name, lock)) throw new Error(wish.answer === null ? SILENT : REASONS[wish.answer]);
    await untilStored(wish);
  }

  /** Makes a journal of this tab's document this tab's, instead of another of it; false: another tab sends it. */
  async takeJournal(key: string, waitMs = 0): Promise<boolean> {
    const lock = await holdWithin(JOURNAL + key, waitMs);
    if (lock === null) return false;
    await this.#locks.journal?.release();
    this.#locks.journal = lock;
    return true;
  }

  /** Takes a document with a journal of it; false: another tab has one of them. */
  async takeBoth(name: string, key: string, waitMs = 0): Promise<boolean> {
    const wait = this.wasOpenHere(key) ? RELOADED_MS : waitMs;
    if (await this.take(name, wait) && await this.takeJournal(key, wait)) return true;
    await this.release();
    return false;
  }

  /** Does something with a journal that no tab has; null: one has it. */
  async borrowJournal<Result>(key: string, work: () => Result | Promise<Result>): Promise<Result | null> {
    const lock = await holdWithin(JOURNAL + key, this.wasOpenHere(key) ? RELOADED_MS : 0);
    if (lock === null) return null;
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  /** Of some journals those that no tab has. */
  async free(keys: readonly string[]): Promise<string[]> {
    const reloadedKey = keys.find((key) => this.wasOpenHere(key) && !this.hasJournal(key));
    if (reloadedKey !== undefined) await this.borrowJournal(reloadedKey, () => undefined); // the page before may still have it
    const names = await heldLocks();
    return keys.filter((key) => !names.has(JOURNAL + key));
  }

  /** The journal is that of the open document. */
  noteOpen(key: string): void {
    this.#key = key;
    sessionStorage.setItem(TAB_KEY, key);
  }

  /** Nothing is open here any more. Returns the locks, to be released. */
  letGo(): OwnedLocks {
    const locks = this.#locks;
    this.#name = this.#key = null;
    this.#locks = { document: null, journal: null };
    sessionStorage.removeItem(TAB_KEY);
    return locks;
  }

  /** Lets another tab have the document and the journal. wish: that other tab's. */
  async release(wish: ReceivedWish | null = null): Promise<void> {
    const { document, journal } = this.letGo();
    if (wish) noteStored(wish.id);
    await journal?.release();
    await document?.release();
  }

  #note(name: string, lock: Lock | null): boolean {
    if (lock === null) return false;
    this.#name = name;
    this.#locks.document = lock;
    return true;
  }
}

// One that is free however slow the browser is to say so, else once another tab has released it.
async function holdWithin(name: string, waitMs: number): Promise<Lock | null> {
  return await holdLock(name) ?? (waitMs > 0 ? holdLock(name, AbortSignal.timeout(waitMs)) : null);
}

function noteStored(id: string): void {
  try {
    localStorage.setItem(HANDED_OVER_KEY, id);
  } catch {
    // a full storage: the other tab waits a moment
  }
}

// Tabs see what others have stored in the order in which they did, a moment later.
async function untilStored(wish: Wish): Promise<void> {
  const start = Date.now();
  const mayBeOnItsWay = () => Date.now() - start < (wish.answer === null ? ANSWERED_MS : STORED_MS); // a closed tab stores nothing more
  while (localStorage.getItem(HANDED_OVER_KEY) !== wish.id && mayBeOnItsWay()) await after(LOOK_AGAIN_MS);
}
