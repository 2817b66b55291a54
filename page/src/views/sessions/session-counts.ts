// How many sessions there are and what learning makes of them: the one definition for every view.
import type { LearningStatus, SessionSummary } from "../../api/sessions";
import { count } from "../../format";

/** In words, in the order in which they are said; where the recordings of a session differ, the first counts. */
const WORDS: readonly [LearningStatus, string][] = [
  ["learned_from", "to learn from"],
  ["recording", "being recorded"],
  ["unknown", "not read yet"],
  ["excluded", "left out by you"],
  ["no_decision", "without the assistant"],
  ["unreadable", "unreadable"],
];

export interface SessionCounts {
  sessions: number;
  recordings: number;
  by: Map<LearningStatus, number>;
}

export function countSessions(recordings: readonly SessionSummary[]): SessionCounts {
  const statuses = new Map<string, Set<LearningStatus>>();
  for (const { session, learning } of recordings) statuses.set(session, (statuses.get(session) ?? new Set()).add(learning));
  const by = new Map<LearningStatus, number>();
  for (const each of statuses.values()) {
    const [first] = WORDS.find(([status]) => each.has(status)) ?? ["unknown" as const];
    by.set(first, (by.get(first) ?? 0) + 1);
  }
  return { sessions: statuses.size, recordings: recordings.length, by };
}

/** "12 sessions: 9 to learn from, 2 left out by you, 1 unreadable". */
export function countWords({ sessions, recordings, by }: SessionCounts): string {
  const parts = WORDS.flatMap(([status, words]) => (by.has(status) ? [`${count(by.get(status))} ${words}`] : []));
  const inRecordings = recordings > sessions ? ` in ${count(recordings)} recordings` : "";
  return `${count(sessions)} ${sessions === 1 ? "session" : "sessions"}${inRecordings}: ${parts.join(", ")}`;
}

/** Whether all sessions are known to be none that a training takes; of no session at all the server says so itself. */
export function areNoneToLearnFrom(recordings: readonly SessionSummary[]): boolean {
  return recordings.length > 0 && recordings.every(({ learning }) => learning !== "learned_from" && learning !== "unknown");
}

/** "3 of them new since the last training". learned: how many there are to learn from, fresh: that no training had. */
export function newWords(learned: number, fresh: number): string {
  if (learned === 0) return "";
  if (fresh === 0) return learned === 1 ? "the last training had it" : "the last training had them all";
  if (fresh >= learned) return learned === 1 ? "no training had it yet" : "no training had them yet";
  return `${count(fresh)} of them new since the last training`;
}
