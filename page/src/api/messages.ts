// Types of the server's messages; `/openapi.json` describes the same.

export interface PartMessage { name: string; ok: boolean; text: string; advice: string }

export interface HealthMessage {
  version: string;
  status: "healthy" | "unhealthy";
  parts: PartMessage[];
  recording: boolean;
  exploring: boolean;
  explore: boolean;
  disk: { folder: string; free_bytes: number; data_bytes: number | null };
  versions: Record<string, string>;
}

export interface ProblemSummary { task_id: string; title: string; difficulty: string; tags: string[]; solved?: boolean }

export interface PublicCase { input: string; output: string }

export interface ProblemMessage {
  task_id: string;
  title: string;
  difficulty: string;
  tags: string[];
  problem_description: string;
  starter_code: string;
  entry_point: string;
  prompt: string;
  input_output: PublicCase[];
  hidden_cases?: number;
}

export interface CaseAnswer {
  test_id: number | string;
  passed: boolean;
  input: string;
  actual_output: string;
  expected_output: string;
  error_message: string | null;
  user_stdout: string;
}

export interface ExecuteAnswer {
  success: boolean;
  execution_time_ms: number;
  error_message: string | null;
  test_results: CaseAnswer[];
}

/** `[milliseconds, position, characters deleted, text inserted, origin]`, positions in characters of the file. */
export type ChangeMessage = [number, number, number, string, string];

export interface ReviewMessage { kept: number | null; threshold: number | null; shown: boolean | null; explored: boolean | null }

/** How a decision came about; lines from 1, 0: none. null: unknown. */
export interface RecordMessage {
  decision: number;
  line: number;
  /** Of decision and line under the policy. */
  probability: number | null;
  decision_probability: number | null;
  /** With which the pair was taken, exploration included. */
  behaviour_probability: number | null;
  value: number | null;
  kept: number | null;
  model: string | null;
  legal: boolean;
  alternatives: { decision: number; line: number; probability: number }[];
}

/** `[milliseconds, kind, detail]`: what the person did beside typing. */
export type ActivityMessage = [number, string, Record<string, unknown>];

export interface StartAnswer {
  episode_id: string;
  /** Of the session that this one goes on from: what is on the disk. */
  source_timestep?: number;
  source_changes?: number;
}

export interface InferenceAnswer {
  response: string;
  unified_diff: string;
  metadata: {
    /** `[decision 0-6, line from 1]`. */
    action: [number, number];
    model_used: string;
    request_id: string;
    new_text: string;
    record: RecordMessage;
    milliseconds: Record<string, number>;
    review?: ReviewMessage;
    withheld?: { action: [number, number]; text: string };
    /** All that the writer has is what the person deleted or took back. */
    rejected?: boolean;
    /** Why the policy or the writer could not answer. */
    reason?: string;
  };
}

export interface SubmissionAnswer {
  success: boolean;
  passed: number;
  total: number;
  hidden_passed: number;
  hidden_total: number;
  /** The first visible case that failed. */
  first_failure: CaseAnswer | null;
  error_message: string | null;
  execution_time_ms: number;
}
