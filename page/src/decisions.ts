// The seven decisions in words. Not here: what they do.

export type DecisionKind = "quiet" | "code" | "edit" | "explain";

const WORDS = ["kept quiet", "completed the line", "wrote a line", "wrote lines", "changed lines", "explained a line", "explained lines"];
const KINDS: readonly DecisionKind[] = ["quiet", "code", "code", "code", "edit", "explain", "explain"];

export const decisionWords = (decision: number): string => WORDS[decision] ?? `decision ${decision}`;
export const decisionKind = (decision: number): DecisionKind => KINDS[decision] ?? "quiet";
