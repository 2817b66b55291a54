// What the assistant does and why, in words. Pure; not here: how it is shown.
import type { InferenceAnswer, ReviewMessage } from "../api/messages";
import { decisionInfinitive, decisionKind } from "../decisions";
import { duration } from "../format";
import type { EditKind } from "./placed-edits";

const STAGES: Record<string, string> = { policy: "deciding", writer: "writing", reviewer: "reviewing" };

export const SIGNS: Record<EditKind, string> = { code: "+", edit: "~", explain: "#" };
export const TITLES: Record<EditKind, string> = {
  code: "Written by the assistant", edit: "Edited by the assistant", explain: "Explained by the assistant",
};

export function kindOf(decision: number): EditKind {
  const kind = decisionKind(decision);
  return kind === "quiet" ? "code" : kind;
}

/** Why the page did not show a text that came, or nothing: it was shown, or there was none. */
export type Dropped = "stale" | "rejected" | "unseen" | null;

const DROPPED: Record<Exclude<Dropped, null>, string> = {
  stale: "You went on typing where the text belonged, so it was dropped.",
  rejected: "It is a text that you took back or deleted here before, so it was dropped.",
  unseen: "The page was not in view any more, so the text was dropped.",
};

/** The same of a recorded decision; null: it was shown. */
export function droppedWords(recorded: string | null): string | null {
  return recorded !== null && Object.hasOwn(DROPPED, recorded) ? DROPPED[recorded as Exclude<Dropped, null>] : recorded;
}

export const QUIET = "Looked, keeps quiet";
const TAKEN_BACK = "What it has for this place you took back";

/** What the page knows of a decision beside the server's answer. */
export interface Circumstances {
  dropped: Dropped;
  /** Whether the person asked, rather than paused. */
  isAsked: boolean;
  /** Where its text stands, from 1; null: the page put none in. */
  firstLine: number | null;
  /** Where the lines that it spoke of were when its answer came: the person may have typed on. Those that are missing stayed. */
  lines: ReadonlyMap<number, number>;
}

export interface Explanation {
  headline: string;
  reasons: string[];
  considered: { name: string; line: string; probability: string }[];
  stages: { name: string; milliseconds: string }[];
}

type Metadata = InferenceAnswer["metadata"];

export function explain({ metadata }: InferenceAnswer, circumstances: Circumstances): Explanation {
  const { record, milliseconds } = metadata;
  const { dropped, firstLine, lines } = circumstances;
  const fileLine = ({ decision, line }: Alternative): number =>
    (decision === record.decision && line === record.line ? firstLine : null) ?? lines.get(line) ?? line;
  return {
    headline: headline(metadata, circumstances),
    reasons: [
      ...(dropped ? [DROPPED[dropped]] : []),
      ...(metadata.reason ? [`It could not help: ${metadata.reason}.`] : []),
      ...(hadNoText(metadata) ? [`It wanted ${toDo(record.decision, record.line)}, and the writer ${lack(metadata)}.`] : []),
      ...decided(metadata, circumstances),
      ...(metadata.model_used && metadata.review ? [`The text is by ${metadata.model_used}.`] : []),
      ...reviewed(metadata),
    ],
    considered: alternativesOf(record).map((pair) => ({
      name: decisionInfinitive(pair.decision), line: pair.line ? String(fileLine(pair)) : "–", probability: percent(pair.probability),
    })),
    stages: Object.entries(milliseconds).map(([stage, spent]) => ({ name: STAGES[stage] ?? stage, milliseconds: duration(spent) })),
  };
}

/** Whether help was decided for, and the writer, who did not fail, had nothing that changes the file. */
export function hadNoText({ action, record, withheld, reason }: Metadata): boolean {
  return !action[0] && record.decision > 0 && !withheld && reason === undefined;
}

function lack({ rejected }: Metadata): string {
  return rejected ? "only had what you took back or deleted in this session" : "had no text that fits there";
}

/** What it says where nothing came. isAsked: the person asked, so they are told why the writer had nothing. */
export function silenceWords(metadata: Metadata, dropped: Dropped, isAsked: boolean): string {
  if (isAsked && (dropped === "rejected" || (hadNoText(metadata) && metadata.rejected))) return TAKEN_BACK;
  return isAsked && hadNoText(metadata) ? "The writer has nothing to write here" : QUIET;
}

function toDo(decision: number, line: number): string {
  return decision ? `to ${decisionInfinitive(decision)} at line ${line}` : "to keep quiet";
}

function headline(metadata: Metadata, { dropped, firstLine }: Circumstances): string {
  const { action: [decision, line], withheld, record, reason } = metadata;
  if (withheld) return `It wanted ${toDo(...withheld.action)} and held it back`;
  if (hadNoText(metadata)) return metadata.rejected ? TAKEN_BACK : "The writer had nothing for it";
  if (!decision && record.decision && reason !== undefined) return `It wanted ${toDo(record.decision, record.line)} and could not`;
  if (!decision) return "It kept quiet";
  return `It ${dropped ? "wanted" : "chose"} ${toDo(decision, firstLine ?? line)}`;
}

function decided({ record, action, withheld }: Metadata, { isAsked, firstLine }: Circumstances): string[] {
  const { decision, line, model, kept, probability, behaviour_probability: behaviour } = record;
  const what = toDo(decision, firstLine ?? line);
  const sentences: string[] = [];
  if (model === "exploration") {
    sentences.push("Too little is learned from you yet, so chance decides, to learn what you want.");
    if (isNumber(behaviour)) sentences.push(`The chance ${what} was ${percent(behaviour)}.`);
  } else if (isNumber(probability)) {
    sentences.push(`${whoDecided(model)} gave a probability of ${percent(probability)} ${what}${draw(probability, behaviour)}.`);
  } else if (isAsked && decision) {
    sentences.push("You asked; it tried this because it had no text for what it chose first.");
  }
  if (isNumber(kept) && decision && (action[0] || withheld)) sentences.push(`It expected you to keep ${percent(kept)} of the text (p(kept)).`);
  return sentences;
}

/** model: as the server names it, which may be the path of a file. */
function whoDecided(model: string | null): string {
  return model === "baseline" ? "The packaged models" : "Your models";
}

/** With which probability the assistant then did it, where that is another. */
function draw(probability: number, behaviour: number | null): string {
  if (!isNumber(behaviour) || Math.abs(behaviour - probability) <= 0.005) return "";
  return `; as it mostly does what is most probable, the chance that it did this was ${percent(behaviour)}`;
}

function reviewed({ review }: Metadata): string[] {
  if (!review) return [];
  const { kept, threshold } = review;
  const estimate = isNumber(kept) ? `The reviewer expects ${percent(kept)} of it to be kept` : "The reviewer cannot tell whether it will be kept";
  const limit = isNumber(threshold) ? `, and shows what reaches ${percent(threshold)}` : "";
  return [`${estimate}${limit}. ${verdict(review)}`];
}

function verdict({ kept, threshold, shown, explored }: ReviewMessage): string {
  if (explored) return "It was shown all the same, to learn from.";
  if (!shown) return "So it was held back.";
  const isBelow = isNumber(kept) && isNumber(threshold) && kept < threshold;
  return isBelow ? "You asked, so it was shown." : "So it was shown.";
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
