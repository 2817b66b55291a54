// Who or what changed the text: the origin of a transaction, as sessions record it.
import { Annotation, type Transaction } from "@codemirror/state";

export type Origin = "input" | "paste" | "drop" | "undo" | "redo" | "assistant" | "opened" | "restored";

/** Names the origin of a transaction that no person typed. */
export const originAnnotation = Annotation.define<Origin>();

const EVENTS: readonly [string, Origin][] = [
  ["input.paste", "paste"], ["input.drop", "drop"], ["move.drop", "drop"], ["undo", "undo"], ["redo", "redo"],
];

export function originOf(transaction: Transaction): Origin {
  const named = transaction.annotation(originAnnotation);
  return named ?? EVENTS.find(([event]) => transaction.isUserEvent(event))?.[1] ?? "input";
}
