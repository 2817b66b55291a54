// Which journal this tab has: one at a time, until it ends it, hands it over or closes. Another tab may ask for it.
import { type JournalLock, lockJournal } from "./locks";
import { Tabs } from "./tabs";

const TAB_KEY = "codeassist.tab"; // of sessionStorage: the journal of this tab, over a reload
const RELOADED_MS = 1000; // in which the page before has gone
const HANDED_OVER_MS = 4000;

export class Ownership {
  #key: string | null = null;
  #lock: JournalLock | null = null;
  readonly #tabs: Tabs;

  /** onAsked: called when another tab wants to go on with a journal. */
  constructor(onAsked: (key: string) => void) {
    this.#tabs = new Tabs(onAsked);
  }

  /** Whether this tab has a journal. */
  get isHeld(): boolean { return this.#lock !== null; }

  has(key: string): boolean { return this.#key === key; }

  /** Whether this tab had it before it was loaded again. */
  wasOpenHere(key: string): boolean { return sessionStorage.getItem(TAB_KEY) === key; }

  /** Makes a journal this tab's; false: another tab has it. */
  async take(key: string, waitMs = 0): Promise<boolean> {
    const lock = await lockJournal(key, this.#waitFor(key, waitMs));
    if (lock === null) return false;
    const before = this.#lock;
    this.#lock = lock;
    await before?.release();
    return true;
  }

  /** As `take`, after asking the tab that has it. Throws if it does not answer. */
  async takeOver(key: string): Promise<void> {
    this.#tabs.ask(key);
    if (!(await this.take(key, HANDED_OVER_MS))) throw new Error("the other tab does not answer; close it, then go on here");
  }

  /** Does something with a journal that no tab has; null: one has it. */
  async borrow<Result>(key: string, work: () => Result | Promise<Result>): Promise<Result | null> {
    const lock = await lockJournal(key, this.#waitFor(key, 0));
    if (lock === null) return null;
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  /** The journal is that of the open document. */
  noteOpen(key: string): void {
    this.#key = key;
    sessionStorage.setItem(TAB_KEY, key);
  }

  /** Nothing is open here any more. Returns what lets another tab have the journal. */
  letGo(): () => Promise<void> {
    const lock = this.#lock;
    this.#key = this.#lock = null;
    sessionStorage.removeItem(TAB_KEY);
    return async () => lock?.release();
  }

  #waitFor(key: string, ms: number): number {
    return this.wasOpenHere(key) ? Math.max(ms, RELOADED_MS) : ms;
  }
}
