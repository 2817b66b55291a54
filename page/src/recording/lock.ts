// Locks that one tab holds at a time; the browser takes them back when that tab closes or crashes. Not here: what they stand for.

export interface Lock {
  /** Resolves once another tab may have it. */
  release: () => Promise<void>;
}

/** Names of the locks that some tab holds now. */
export async function heldLocks(): Promise<Set<string | undefined>> {
  const { held: locks = [] } = await navigator.locks.query();
  return new Set(locks.map(({ name }) => name));
}

/** Held until the tab closes or `release` is called; null: another tab has it. signal: waits for it until that aborts. */
export function holdLock(name: string, signal: AbortSignal | null = null): Promise<Lock | null> {
  const options: LockOptions = signal === null ? { ifAvailable: true } : { signal };
  return new Promise((resolve) => {
    const request = navigator.locks.request(name, options, (lock) => {
      if (lock === null) {
        resolve(null);
        return undefined;
      }
      return new Promise<void>((free) => {
        resolve({ release: async () => {
          free();
          await request;
        } });
      });
    });
    request.catch(() => resolve(null));
  });
}
