// Messages of what is learned (`services/messages/learning_messages.py`).

export interface Estimate { mean: number | null; error: number | null }

export interface Comparison {
  name: string;
  before: Estimate | null;
  after: Estimate | null;
  baseline: Estimate | null;
  baseline_name: string;
  better: "higher" | "lower" | "";
}

export interface EpochPoint { phase: string; epoch: number; metrics: Record<string, number | string | null> }

export interface TrainingMessage {
  status: "idle" | "running" | "stopping" | "stopped" | "done" | "failed";
  phase: string;
  title: string;
  epoch: number;
  epochs: number;
  share: number;
  overall_share: number;
  seconds_left: number | null;
  started: string | null;
  ended: string | null;
  points: EpochPoint[];
  sessions: "held_out" | "learned_from" | "";
  table: Comparison[];
  lines: string[];
  generation: string | null;
  replaced: boolean | null;
  error: string | null;
  elsewhere: boolean;
  can_start: boolean;
  refusal: string;
}

export interface ModelMessage {
  id: string;
  created: number | string | null;
  current: boolean;
  trained_on: string;
  sessions: number | null;
  verdict: string;
  measured_on: "held_out" | "learned_from" | "";
  measured_sessions: number | null;
  measured: Comparison[];
  damaged: boolean;
  protected: boolean;
}

export interface Rate { key: string; n: number; rate: number | null; low: number | null; high: number | null; enough: boolean }

export interface CalibrationBin { low: number; high: number; n: number; predicted: number | null; observed: Rate | null }

export interface Calibration {
  key: "policy" | "reviewer";
  n: number;
  brier: number | null;
  base_rate: number | null;
  base_brier: number | null;
  error: number | null;
  enough: boolean;
  bins: CalibrationBin[];
}

export interface LearnedMessage {
  sessions: number;
  new_sessions: number;
  unreadable: number;
  first: string | null;
  last: string | null;
  enough_from: number;
  characters: { decisions: number; written: number; at_reply: number; at_end: number };
  kept: Rate;
  survived: Rate;
  by_kind: Rate[];
  by_week: Rate[];
  silence: { turns: number; no_op: Rate; withheld: Rate; quiet: Rate };
  calibration: Calibration[];
  wanted: { by_place: Rate[]; by_pause: Rate[]; by_minute: Rate[]; by_hour: Rate[] };
  by_writer: Rate[];
  reviewer: { shown: number; withheld: number; kept_from_threshold: Rate; kept_below_threshold: Rate };
}
