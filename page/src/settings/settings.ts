// The person's settings: kept by the server, at hand for every part of the page. Not here: the view that shows them all.
import { ask } from "../api/client";
import { Store } from "../store";
import type { Pause } from "./pause";

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
  /** Of the person's own files; null: none is open. */
  folder: string | null;
}

/** A pause that only the person ends. */
export const UNTIL_RESUMED = Number.MAX_SAFE_INTEGER;

const USUAL: Settings = {
  explore: true, pause: "adaptive", off_for: [], theme: "system", subtle: false, learn_pastes: false, welcomed: false, tutor: false,
  paused_until: null, folder: null,
};

/** As they hold now; the usual ones until the server has told them. */
export const settings = new Store<Settings>(USUAL);

/** Whether the server has told them. */
export const areSettingsLoaded = new Store(false);

const PATH = "/api/settings";

export async function loadSettings(): Promise<void> {
  settings.set(await ask<Settings>(PATH));
  areSettingsLoaded.set(true);
}

let changing: Promise<unknown> = Promise.resolve();
let latestChange = 0;

/** Changes what `change` names, here at once; the rest stays. Throws what `ask` throws; the settings are the server's then. */
export function changeSettings(change: Partial<Settings>): Promise<void> {
  settings.set({ ...settings.value, ...change });
  const number = (latestChange += 1);
  const sent = changing.catch(() => undefined).then(() => send(change, number)); // in order: the last one counts
  changing = sent;
  return sent;
}

async function send(change: Partial<Settings>, number: number): Promise<void> {
  try {
    const now = await ask<Settings>(PATH, change);
    if (number === latestChange) settings.set(now);
  } catch (error) {
    await loadSettings().catch(() => undefined);
    throw error;
  }
}
