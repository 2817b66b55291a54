// The person's settings: kept by the server, at hand for every part of the page. Not here: the view that shows them all.
import { Store } from "../store";

/** When the assistant is asked: after a pause that follows the typing, on a key only, or after so many milliseconds. */
export type Pause = "adaptive" | "key" | number;

export interface Settings {
  explore: boolean;
  pause: Pause;
  /** Ends of file names, with their dot, for which there is no help. */
  off_for: readonly string[];
  theme: "system" | "light" | "dark";
  subtle: boolean;
  learn_pastes: boolean;
  welcomed: boolean;
  tutor: boolean;
  /** Milliseconds since 1970 until which help is not asked for; null: it is. */
  paused_until: number | null;
}

export const SHORTEST_PAUSE_MS = 150;
export const LONGEST_PAUSE_MS = 10_000;

/** A pause that only the person ends. */
export const UNTIL_RESUMED = Number.MAX_SAFE_INTEGER;

const KEY = "codeassist-settings";

const USUAL: Settings = {
  explore: true, pause: "adaptive", off_for: [], theme: "system", subtle: false, learn_pastes: false, welcomed: false, tutor: false,
  paused_until: null,
};

export const settings = new Store<Settings>({ ...USUAL, ...remembered() });

/** Changes what `change` names; the rest stays. */
export async function changeSettings(change: Partial<Settings>): Promise<void> {
  settings.set({ ...settings.value, ...change });
  localStorage.setItem(KEY, JSON.stringify(settings.value));
}

function remembered(): Partial<Settings> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>;
  } catch {
    return {};
  }
}
