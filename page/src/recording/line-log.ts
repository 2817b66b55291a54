// Who edited each line, over a reload and a crash: of the text from which a journal's changes go on, and what each of them did.
// Not here: where it is stored.
import { LineAttribution, type LineChange, type LineEdit, type LineEdits, renumbered, type SpecialFlag, UNEDITED } from "./attribution";

/** turn, seconds, start, end, actions in bits, flags. */
type StoredEdit = [number, number, number, number, number, ...SpecialFlag[]];

/** The person's and the assistant's; 0: none. */
type StoredLine = 0 | [0 | StoredEdit, (0 | StoredEdit)?];

/** Of an edit: the first line, how many there were, those that took their place. Or a mark that was taken away everywhere. */
export type StoredStep = [number, number, StoredLine[]] | SpecialFlag;

export type StoredLines = StoredLine[];

type Step = LineChange | SpecialFlag;

export class LineLog {
  /** As the latest change leaves it. */
  now: LineAttribution;
  #base: LineAttribution;
  #steps: Step[][]; // of each change since the base

  constructor(base: StoredLines = [], steps: readonly (StoredStep[] | undefined)[] = []) {
    this.#base = new LineAttribution(base.map(loadedLine));
    this.#steps = steps.map((stored) => (stored ?? []).map(loadedStep));
    this.now = this.at(this.#steps.length);
  }

  /** After so many changes since the base. */
  at(count: number): LineAttribution {
    const attribution = new LineAttribution(this.#base.lines);
    for (const step of this.#steps.slice(0, count).flat()) take(attribution, step);
    return attribution;
  }

  /** Notes what so many changes of one transaction did, which `now` has followed already. */
  add(count: number, done: readonly LineChange[]): void {
    for (let i = 0; i < count; i += 1) this.#steps.push(i === 0 ? [...done] : []);
  }

  /** Takes a mark away from the lines that still have it. Whether there is a change to note that with; else it is the base's. */
  unmark(flag: SpecialFlag): boolean {
    this.now.unmark(flag);
    const latest = this.#steps.at(-1);
    if (latest) latest.push(flag);
    else this.#base.unmark(flag);
    return latest !== undefined;
  }

  /** The changes go on from a later text. */
  moveBase(count: number): void {
    this.#base = this.at(count);
    this.#steps.splice(0, count);
  }

  /** Turns are others now: those of the base's edits, and those of later ones. */
  renumber(turnOfBase: (turn: number) => number, turnNow: (turn: number) => number): void {
    this.#base.renumber(turnOfBase);
    this.#steps = this.#steps.map((steps) => steps.map((step) => (
      typeof step === "string" ? step : { ...step, lines: step.lines.map((edits) => renumbered(edits, turnNow)) })));
    this.now = this.at(this.#steps.length);
  }

  /** What is stored of the base, or of one so many changes later. */
  storedBase(count = 0): StoredLines { return this.at(count).lines.map(storedLine); }

  /** What is stored of changes from one on, counted from the base; of those before it nothing. */
  storedSteps(start: number, count: number): StoredStep[][] {
    return Array.from({ length: count }, (_, i) => (this.#steps[start + i] ?? []).map(storedStep));
  }
}

function take(attribution: LineAttribution, step: Step): void {
  if (typeof step === "string") attribution.unmark(step);
  else attribution.apply(step);
}

function storedStep(step: Step): StoredStep {
  return typeof step === "string" ? step : [step.start, step.count, step.lines.map(storedLine)];
}

function loadedStep(step: StoredStep): Step {
  if (typeof step === "string") return step;
  const [start, count, lines] = step;
  return { start, count, lines: lines.map(loadedLine) };
}

function storedLine({ human, assistant }: LineEdits): StoredLine {
  if (assistant) return [human ? storedEdit(human) : 0, storedEdit(assistant)];
  return human ? [storedEdit(human)] : 0;
}

function loadedLine(line: StoredLine): LineEdits {
  if (line === 0) return UNEDITED;
  const [human, assistant] = line;
  return { ...(human && { human: loadedEdit(human) }), ...(assistant && { assistant: loadedEdit(assistant) }) };
}

function storedEdit({ turn, seconds, span, actions, specialFlags }: LineEdit): StoredEdit {
  const [added, deleted, replaced] = actions;
  return [turn, seconds, ...span, added + 2 * deleted + 4 * replaced, ...specialFlags];
}

function loadedEdit([turn, seconds, start, end, bits, ...specialFlags]: StoredEdit): LineEdit {
  return { turn, seconds, span: [start, end], actions: [bits & 1, (bits >> 1) & 1, (bits >> 2) & 1], specialFlags };
}
