// Which tab a journal belongs to: a lock that the browser takes back when the tab closes or crashes.

const PREFIX = "codeassist.journal.";

export interface JournalLock {
  /** Resolves once another may have it. */
  release: () => Promise<void>;
}

/** Holds the journal's lock until the tab closes or `release` is called; null: another tab has it. */
export function lockJournal(key: string, waitMs = 0): Promise<JournalLock | null> {
  const options: LockOptions = waitMs > 0 ? { signal: AbortSignal.timeout(waitMs) } : { ifAvailable: true };
  return new Promise((resolve) => {
    const held = navigator.locks.request(PREFIX + key, options, (lock) => {
      if (lock === null) {
        resolve(null);
        return undefined;
      }
      return new Promise<void>((free) => {
        resolve({ release: async () => {
          free();
          await held;
        } });
      });
    });
    held.catch(() => resolve(null));
  });
}
