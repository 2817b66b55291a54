// Stored models as people call them. Not here: what can be done with them.
import type { ModelMessage } from "../../api/learning";
import { day } from "../../format";

const SOURCES: Record<string, string> = { samples: "the samples", scripted: "simulated people", imported: "brought from elsewhere" };

const ID = /^0*(\d+)-/;
const ID_IN_TEXT = /\bgeneration 0*(\d+)-[0-9a-f]{8}\b/g;

/** Those from which on nothing is learned: not one of a training, but none. */
export const isUntrained = (model: ModelMessage): boolean => model.trained_on === "nothing";

/** "Model 3", as it counts the trainings that were kept. */
export function modelName({ id }: ModelMessage): string {
  const number = ID.exec(id)?.[1];
  return number === undefined ? "Model without a number" : `Model ${number}`;
}

/** "from 28 Nov, learned from 12 sessions". */
export function modelFacts({ created, trained_on: source, sessions }: ModelMessage): string {
  const from = `from ${day(typeof created === "number" ? created * 1000 : created)}`;
  const count = sessions === null ? "" : `learned from ${sessions} ${sessions === 1 ? "session" : "sessions"}`;
  if (source === "imported") return `${from}, ${SOURCES[source]}`;
  const of = SOURCES[source];
  return [from, of ? `${count} of ${of}`.trim() : count].filter(Boolean).join(", ");
}

/** What the button says that makes a model current. models: the latest first. */
export function useWords(model: ModelMessage, models: readonly ModelMessage[]): string {
  const current = models.findIndex((each) => each.current && !isUntrained(each));
  return current !== -1 && models.indexOf(model) > current ? "Go back to this one" : "Use this one";
}

/** The server's sentences, with a model's name in place of its id. */
export const withModelNames = (text: string): string => text.replace(ID_IN_TEXT, (_, number: string) => `model ${number}`);
