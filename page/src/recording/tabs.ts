// Lets one tab ask another for the document that it has open. Not here: which has it (`locks`), what it hands over.

const CHANNEL = "codeassist.tabs";

interface Wish { journal: string }

export class Tabs {
  readonly #channel = new BroadcastChannel(CHANNEL);

  /** onAsked: called when another tab wants to go on with a journal. */
  constructor(onAsked: (journal: string) => void) {
    this.#channel.addEventListener("message", ({ data }: MessageEvent<Wish>) => onAsked(data.journal));
  }

  /** The tab that has it lets its lock go, if it can answer. */
  ask(journal: string): void {
    const wish: Wish = { journal };
    this.#channel.postMessage(wish);
  }
}
