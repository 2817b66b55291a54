// When to ask for help: after which pause, and what forbids it. Pure; not here: timers and events (`pause-timer`).
import { LONGEST_PAUSE_MS, type Pause, SHORTEST_PAUSE_MS } from "../settings/pause";

const LONGEST_ADAPTIVE_MS = 1000;
const UNKNOWN_RHYTHM_MS = 600;
const BURST_MS = 2000; // a longer gap is no part of typing
const MOST_GAPS = 60;
const LEAST_GAPS = 8;
const QUANTILE = 0.95;
const MARGIN = 1.25; // a pause is longer than nearly all gaps within a burst
const BOUNDARY_SHARE = 0.5;

/** The gaps between a person's latest keys, within bursts. */
export class TypingRhythm {
  #latest: number | null = null;
  readonly #gaps: number[] = [];

  note(milliseconds: number): void {
    const gap = this.#latest === null ? Infinity : milliseconds - this.#latest;
    this.#latest = milliseconds;
    if (gap < 0 || gap > BURST_MS) return;
    this.#gaps.push(gap);
    if (this.#gaps.length > MOST_GAPS) this.#gaps.shift();
  }

  /** Milliseconds without a key after which this person has paused. */
  get pauseMs(): number {
    if (this.#gaps.length < LEAST_GAPS) return UNKNOWN_RHYTHM_MS;
    const sorted = [...this.#gaps].sort((a, b) => a - b);
    const quantile = sorted[Math.min(Math.floor(sorted.length * QUANTILE), sorted.length - 1)] ?? UNKNOWN_RHYTHM_MS;
    return clamp(quantile * MARGIN, SHORTEST_PAUSE_MS, LONGEST_ADAPTIVE_MS);
  }
}

/**
 * Milliseconds to wait before asking; null: never without the key.
 * isBoundary: a line is finished, tests ran, the file is saved; a time that the person chose stays as it is.
 */
export function pauseBefore(pause: Pause, rhythm: TypingRhythm, isBoundary: boolean): number | null {
  if (pause === "key") return null;
  if (pause !== "adaptive") return clamp(pause, SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS);
  return isBoundary ? Math.max(rhythm.pauseMs * BOUNDARY_SHARE, SHORTEST_PAUSE_MS) : rhythm.pauseMs;
}

export interface Moment {
  isComposing: boolean;
  isMouseDown: boolean;
  isSelecting: boolean;
  isFocused: boolean;
  isHidden: boolean;
  /** Whether the latest change took something away. */
  isAfterDeletion: boolean;
  /** The characters at both sides of the cursor; "": there is none. */
  before: string;
  after: string;
}

/** wait: it passes by itself, look again; skip: not before the next change. */
export type Verdict = "ask" | "wait" | "skip";

/** Whether it is the moment to ask without being called. */
export function judge(moment: Moment): Verdict {
  if (moment.isComposing || moment.isMouseDown) return "wait";
  const isAway = moment.isHidden || !moment.isFocused;
  return isAway || moment.isSelecting || moment.isAfterDeletion || isInWord(moment) ? "skip" : "ask";
}

function isInWord({ before, after }: Moment): boolean {
  return isWordCharacter(before) && isWordCharacter(after);
}

function isWordCharacter(character: string): boolean {
  return /^[\p{L}\p{M}\p{N}_]$/u.test(character);
}

/** The end of a file name that a setting names, as in `off_for`; null: it is none of them. */
export function suffixThatIsOff(offFor: readonly string[], fileName: string): string | null {
  return offFor.find((suffix) => fileName.toLowerCase().endsWith(suffix.toLowerCase())) ?? null;
}

/** The end of a file name from its last dot on; "": it has none. */
export function suffixOf(fileName: string): string {
  return /\.[A-Za-z0-9_+-]{1,20}$/.exec(fileName)?.[0] ?? "";
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
