// The seven decisions in words. Not here: what they do.

export type DecisionKind = "quiet" | "code" | "edit" | "explain";

interface DecisionWords {
  /** As statistics name it. */
  key: string;
  /** After "to": what it wanted to do. */
  infinitive: string;
  /** After "it": what it did. */
  past: string;
  kind: DecisionKind;
}

const DECISIONS: readonly DecisionWords[] = [
  { key: "no_op", infinitive: "keep quiet", past: "kept quiet", kind: "quiet" },
  { key: "fill_partial_line", infinitive: "complete the line", past: "completed the line", kind: "code" },
  { key: "write_single_line", infinitive: "write a line", past: "wrote a line", kind: "code" },
  { key: "write_multi_line", infinitive: "write several lines", past: "wrote several lines", kind: "code" },
  { key: "edit_existing_lines", infinitive: "edit what is there", past: "edited what was there", kind: "edit" },
  { key: "explain_single_lines", infinitive: "explain a line", past: "explained a line", kind: "explain" },
  { key: "explain_multi_lines", infinitive: "explain several lines", past: "explained several lines", kind: "explain" },
];

export const decisionInfinitive = (decision: number): string => DECISIONS[decision]?.infinitive ?? `take decision ${decision}`;
/** What statistics count by its key, to begin a row with; the key where it is none of the seven. */
export function decisionByKey(key: string): string {
  const words = DECISIONS.find((each) => each.key === key)?.infinitive ?? key;
  return words.replace(/^./, (first) => first.toUpperCase());
}

export const decisionPast = (decision: number): string => DECISIONS[decision]?.past ?? `took decision ${decision}`;
export const decisionKind = (decision: number): DecisionKind => DECISIONS[decision]?.kind ?? "quiet";
