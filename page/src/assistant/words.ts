// What the assistant does and why, in words. Pure; not here: how it is shown.
import type { InferenceAnswer } from "../api/messages";
import type { EditKind } from "./placed-edits";

const DECISIONS = [
  "keep quiet", "complete the line", "write a line", "write several lines", "edit what is there", "explain a line", "explain several lines",
];

const STAGES: Record<string, string> = { policy: "deciding", writer: "writing", reviewer: "reviewing" };

export const SIGNS: Record<EditKind, string> = { code: "+", edit: "~", explain: "#" };
export const TITLES: Record<EditKind, string> = {
  code: "Written by the assistant", edit: "Edited by the assistant", explain: "Explained by the assistant",
};

export function kindOf(decision: number): EditKind {
  if (decision >= 5) return "explain";
  return decision === 4 ? "edit" : "code";
}

export function decisionName(decision: number): string {
  return DECISIONS[decision] ?? `decision ${decision}`;
}

/** Why the page did not show a text that came, or nothing: it was shown, or there was none. */
export type Dropped = "stale" | "rejected" | "unseen" | null;

const DROPPED: Record<Exclude<Dropped, null>, string> = {
  stale: "You went on typing where the text belonged, so it was dropped.",
  rejected: "It is a text that you took back or deleted here before, so it was dropped.",
  unseen: "The page was not in view any more, so the text was dropped.",
};

export interface Explanation {
  headline: string;
  reasons: string[];
  considered: { name: string; line: string; probability: string }[];
  stages: { name: string; milliseconds: string }[];
}

export function explain({ metadata }: InferenceAnswer, dropped: Dropped): Explanation {
  const { record, milliseconds } = metadata;
  return {
    headline: headline(metadata, dropped),
    reasons: [
      ...(dropped ? [DROPPED[dropped]] : []),
      ...(metadata.reason ? [`It could not help: ${metadata.reason}.`] : []),
      ...decided(metadata),
      ...(metadata.model_used && metadata.review ? [`The text is by ${metadata.model_used}.`] : []),
      ...reviewed(metadata),
    ],
    considered: alternativesOf(record).map(({ decision, line, probability }) => ({
      name: decisionName(decision), line: line ? String(line) : "-", probability: percent(probability),
    })),
    stages: Object.entries(milliseconds).map(([stage, spent]) => ({ name: STAGES[stage] ?? stage, milliseconds: duration(spent) })),
  };
}

function headline({ action: [decision, line], withheld, record, reason }: InferenceAnswer["metadata"], dropped: Dropped): string {
  if (withheld) return `It wanted to ${decisionName(withheld.action[0])} at line ${withheld.action[1]} and held it back`;
  if (!decision && record.decision) return `It wanted to ${decisionName(record.decision)} at line ${record.line} and ${reason ? "could not" : "had no text that fits"}`;
  if (!decision) return "It kept quiet";
  const done = dropped ? "It wanted to" : "It chose to";
  return `${done} ${decisionName(decision)} at line ${line}`;
}

function decided({ record }: InferenceAnswer["metadata"]): string[] {
  const { decision, line, model, kept, probability, behaviour_probability: behaviour } = record;
  const sentences: string[] = [];
  const what = decision ? `to ${decisionName(decision)} at line ${line}` : "to keep quiet";
  if (model === "exploration") {
    sentences.push("Too little is learned from you yet, so chance decides, to learn what you want.");
    if (isNumber(behaviour)) sentences.push(`The chance ${what} was ${percent(behaviour)}.`);
  } else if (isNumber(probability)) {
    sentences.push(`The policy${model ? ` (${model})` : ""} gave a probability of ${percent(probability)} ${what}.`);
    if (isNumber(behaviour) && Math.abs(behaviour - probability) > 0.005) sentences.push(`It was taken with a probability of ${percent(behaviour)}.`);
  }
  if (isNumber(kept) && decision) sentences.push(`It expected you to keep ${percent(kept)} of the text (p(kept)).`);
  return sentences;
}

function reviewed({ review }: InferenceAnswer["metadata"]): string[] {
  if (!review) return [];
  const { kept, threshold, shown, explored } = review;
  const estimate = isNumber(kept) ? `The reviewer expects ${percent(kept)} of it to be kept` : "The reviewer cannot tell whether it will be kept";
  const limit = isNumber(threshold) ? `, and shows what reaches ${percent(threshold)}` : "";
  const verdict = explored ? "It was shown all the same, to learn from." : shown ? "So it was shown." : "So it was held back.";
  return [`${estimate}${limit}. ${verdict}`];
}

interface Alternative { decision: number; line: number; probability: number }

function alternativesOf({ alternatives }: InferenceAnswer["metadata"]["record"]): Alternative[] {
  return alternatives ?? [];
}

export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return "under 0.1 %";
  return `${value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} %`;
}

export function duration(milliseconds: number): string {
  return milliseconds >= 1000 ? `${(milliseconds / 1000).toFixed(1)} s` : `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

/** "Wrote 3 lines at line 5". line: its first, from 1; lines: that hold something new. */
export function wroteWords(kind: EditKind, line: number, lines: number): string {
  const verb = { code: "Wrote", edit: "Edited", explain: "Explained" }[kind];
  const what = lines > 1 ? `${lines} lines at line ${line}` : `at line ${line}`;
  return kind === "code" && lines <= 1 ? `Wrote a line at line ${line}` : `${verb} ${what}`;
}

export function timeOfDay(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
