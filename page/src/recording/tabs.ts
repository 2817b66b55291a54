// Lets a tab ask for the document that another one records, and that one answer. Not here: which has it (`ownership`), what it hands over.

const CHANNEL = "codeassist.tabs";
const WISHED_MS = 4000;
const LATE_MS = 500; // before a wish ends: what is handed over then may find nobody

/** Why a tab keeps its document. */
export type Refusal = "slow server" | "full storage";

export type Answer = "heard" | Refusal;

interface WishMessage { id: string; document: string; until: number }
interface AnswerMessage { id: string; answer: Answer }

/** Another tab's, to go on with a document. */
export interface ReceivedWish {
  id: string;
  document: string;
  /** Whether nobody waits for it any more. */
  isOver: () => boolean;
  answer: (answer: Answer) => void;
}

/** This tab's. */
export class Wish {
  readonly id = crypto.randomUUID();
  /** Aborts when it is refused, and after a while. */
  readonly signal: AbortSignal;
  /** null: none came. */
  answer: Answer | null = null;
  readonly #controller = new AbortController();
  readonly #timer = setTimeout(() => this.#controller.abort(), WISHED_MS);

  constructor() {
    this.signal = this.#controller.signal;
  }

  note(answer: Answer): void {
    this.answer = answer;
    if (answer !== "heard") this.#controller.abort();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

export class Tabs {
  readonly #channel = new BroadcastChannel(CHANNEL);
  #wish: Wish | null = null; // the latest of this tab's

  /** onWish: called when another tab asks for a document, whichever tab has it. */
  constructor(onWish: (wish: ReceivedWish) => void) {
    this.#channel.addEventListener("message", ({ data }: MessageEvent<WishMessage | AnswerMessage>) => {
      if (!("answer" in data)) onWish(this.#received(data));
      else if (data.id === this.#wish?.id) this.#wish.note(data.answer);
    });
  }

  /** Asks the tab that has a document for it. */
  ask(document: string): Wish {
    const wish = new Wish();
    this.#wish = wish;
    const message: WishMessage = { id: wish.id, document, until: Date.now() + WISHED_MS };
    this.#channel.postMessage(message);
    return wish;
  }

  #received({ id, document, until }: WishMessage): ReceivedWish {
    return {
      id, document,
      isOver: () => Date.now() > until - LATE_MS,
      answer: (answer) => {
        const message: AnswerMessage = { id, answer };
        this.#channel.postMessage(message);
      },
    };
  }
}
