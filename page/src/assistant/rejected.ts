// Texts that the person took back or deleted: they do not come back near their place. Not here: how that is noticed.
import type { ChangeDesc, Text } from "@codemirror/state";

const MOST_TEXTS = 100;
const NEAR_LINES = 3;

interface RejectedText { text: string; position: number }

export class RejectedTexts {
  #texts: RejectedText[] = [];

  add(text: string, position: number): void {
    const normalized = normalize(text);
    if (normalized) this.#texts = [...this.#texts, { text: normalized, position }].slice(-MOST_TEXTS);
  }

  /** Places move with the text around them. */
  map(changes: ChangeDesc): void {
    this.#texts = this.#texts.map((each) => ({ ...each, position: changes.mapPos(each.position) }));
  }

  /** Whether the text was rejected within a few lines of a position. */
  has(text: string, document: Text, position: number): boolean {
    const normalized = normalize(text);
    const line = document.lineAt(position).number;
    return this.#texts.some((each) => each.text === normalized && Math.abs(document.lineAt(each.position).number - line) <= NEAR_LINES);
  }

  clear(): void {
    this.#texts = [];
  }
}

function normalize(text: string): string {
  return text.replace(/\s+/g, "");
}
