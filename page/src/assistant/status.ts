// What the assistant says of itself in a line. Not here: what it says of its decisions (`words`).
import type { Settings } from "../settings/settings";
import { UNTIL_RESUMED } from "../settings/settings";
import { KEYS } from "./keys";
import { suffixThatIsOff } from "./trigger";
import { timeOfDay } from "./words";

export interface Status {
  kind: "closed" | "off" | "paused" | "looking" | "thinking" | "wrote" | "quiet" | "failed";
  text: string;
}

export const CLOSED: Status = { kind: "closed", text: "Nothing is open" };

export function isPausedAt(now: number, { paused_until: until }: Settings): boolean {
  return (until ?? 0) > now;
}

/** What it says of an open file when nothing is under way. refusal: why nobody may help with it; null: they may. */
export function restingStatus(settings: Settings, fileName: string, refusal: string | null): Status {
  const suffix = suffixThatIsOff(settings.off_for, fileName);
  if (suffix !== null) return { kind: "off", text: `Off for ${suffix} files` };
  if (refusal !== null) return { kind: "off", text: refusal };
  if (isPausedAt(Date.now(), settings)) return { kind: "paused", text: pausedWords(settings.paused_until ?? 0) };
  return { kind: "looking", text: settings.pause === "key" ? `Waits for ${KEYS.askNow}` : "Looks on" };
}

function pausedWords(until: number): string {
  return until === UNTIL_RESUMED ? "Paused" : `Paused until ${timeOfDay(until)}`;
}
