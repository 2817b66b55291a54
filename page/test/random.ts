// Chances that are the same in every run, and texts that are hard on an editor.

/** Numbers from 0 to below 1 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function choose<Value>(random: () => number, values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)]!;
}

/** Emoji and their halves, joined emoji, combining characters, every line end, what is no line end. */
export const PIECES = [
  "a", "bc", " ", "\t", "x = 1", "😀", "\ud83d", "\ude00", "👩‍👩‍👧", "e\u0301", "ü", "\n", "\r\n", "\n\n", "\r", "\u2028", "\f", "\ufeff", "def f():\n    pass\n",
];

export function randomText(random: () => number, pieces: number): string {
  return Array.from({ length: Math.floor(random() * pieces) }, () => choose(random, PIECES)).join("");
}
