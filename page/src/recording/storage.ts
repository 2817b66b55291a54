// A place in the browser that survives a reload and a crash, as a map of JSON. Not here: what is kept there.

/** The part of the browser's Storage that is used. */
export interface TextStorage {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, text: string): void;
  removeItem(key: string): void;
}

/** Values below one prefix. */
export class StoredValues {
  #isClosed = false;

  constructor(private readonly storage: TextStorage, private readonly prefix: string) {}

  names(): string[] {
    const names: string[] = [];
    for (let i = 0; i < this.storage.length; i += 1) {
      const key = this.storage.key(i);
      if (key?.startsWith(this.prefix)) names.push(key.slice(this.prefix.length));
    }
    return names;
  }

  /** null: there is none, or it is damaged. */
  read<Value>(name: string): Value | null {
    const text = this.storage.getItem(this.prefix + name);
    if (text === null) return null;
    try {
      return JSON.parse(text) as Value;
    } catch {
      return null;
    }
  }

  /** Whether it is stored now; false: the storage is full or switched off. */
  write(name: string, value: unknown): boolean {
    if (this.#isClosed) return true;
    try {
      this.storage.setItem(this.prefix + name, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  remove(name: string): void {
    if (!this.#isClosed) this.storage.removeItem(this.prefix + name);
  }

  /** They belong to another tab now: nothing is written or removed any more. */
  close(): void {
    this.#isClosed = true;
  }
}
