// Messages about recorded sessions (`services/messages/sessions_messages.py`).

export interface SessionFacts {
  id: string;
  problem_id: string | null;
  title: string;
  file: string | null;
  started: number | null;
  ended: number | null;
  written: number | null;
  retained: number | null;
  excluded: boolean;
  bytes: number;
  status: "recording" | "waiting" | "ended" | "unreadable";
  reason: string | null;
}

export type LearningStatus = "learned_from" | "excluded" | "no_decision" | "unreadable" | "recording" | "unknown";

export interface SessionSummary extends SessionFacts {
  states: number | null;
  /** The recording with which its session began: those of one session count once. */
  session: string;
  learning: LearningStatus;
}

export interface RecordedDecision {
  decision: number;
  name: string;
  line: number;
  recorded: boolean;
  written: number;
  /** Whether the text is another than before. */
  changed: boolean;
  pasted: boolean;
  probability: number | null;
  decision_probability: number | null;
  policy_probability: number | null;
  model: string | null;
  value: number | null;
  kept: number | null;
  retained: number | null;
  survived: number | null;
  writer: { name?: string; mean_log_prob?: number | null; milliseconds?: number | null } | null;
  review: { kept: number; threshold: number; shown: boolean; explored: boolean } | null;
  withheld: { type: number; name: string; line: number; text: string } | null;
  /** Why the page did not carry out what was decided: "stale", "rejected", "unseen". */
  dropped: string | null;
}

export interface TimelineState {
  timestep: number;
  timestamp_ms: number | null;
  by: "H" | "A" | null;
  action: RecordedDecision | null;
  env: { compiled: boolean; passed: number | null; total: number | null } | null;
  reward: { total: number; parts: Record<string, number> } | null;
}

export interface SessionTimeline extends SessionFacts { states: TimelineState[] }

export interface SessionState {
  text: string;
  authors: ("H" | "A" | "")[];
  cursor: { line: number; char: number } | null;
  previous_text: string | null;
}
