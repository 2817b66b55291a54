// How long the assistant waits before it is asked, as a setting.

/** After a pause that follows the typing, on a key only, or after so many milliseconds. */
export type Pause = "adaptive" | "key" | number;

export const SHORTEST_PAUSE_MS = 150;
export const LONGEST_PAUSE_MS = 10_000;
