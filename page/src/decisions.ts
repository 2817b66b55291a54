// The seven decisions in words. Not here: what they do.

export type DecisionKind = "quiet" | "code" | "edit" | "explain";

interface DecisionWords {
  /** After "to": what it wanted to do. */
  infinitive: string;
  /** After "it": what it did. */
  past: string;
  kind: DecisionKind;
}

const DECISIONS: readonly DecisionWords[] = [
  { infinitive: "keep quiet", past: "kept quiet", kind: "quiet" },
  { infinitive: "complete the line", past: "completed the line", kind: "code" },
  { infinitive: "write a line", past: "wrote a line", kind: "code" },
  { infinitive: "write several lines", past: "wrote several lines", kind: "code" },
  { infinitive: "edit what is there", past: "edited what was there", kind: "edit" },
  { infinitive: "explain a line", past: "explained a line", kind: "explain" },
  { infinitive: "explain several lines", past: "explained several lines", kind: "explain" },
];

export const decisionInfinitive = (decision: number): string => DECISIONS[decision]?.infinitive ?? `take decision ${decision}`;
export const decisionPast = (decision: number): string => DECISIONS[decision]?.past ?? `took decision ${decision}`;
export const decisionKind = (decision: number): DecisionKind => DECISIONS[decision]?.kind ?? "quiet";
