// Short messages over the page, each read out by screen readers. Not here: how they look (`shell`).
import { errorText } from "./api/errors";
import { Store } from "./store";

/** A button beside a notice. */
export interface NoticeAction {
  label: string;
  run: () => void;
}

/** A place of the page that a notice leads to. */
export interface NoticeLink {
  label: string;
  href: string;
}

export interface Notice {
  id: number;
  text: string;
  isWrong: boolean;
  action: NoticeAction | null;
  links: readonly NoticeLink[];
}

const SHOWN_MS = 6000;
const SHOWN_LONG_MS = 20_000; // what is wrong, or asks for something
const MOST_SHOWN = 4;

export const notices = new Store<readonly Notice[]>([]);

let count = 0;

export function notify(text: string, isWrong = false, action: NoticeAction | null = null, links: readonly NoticeLink[] = []): void {
  const notice = { id: (count += 1), text, isWrong, action, links };
  notices.set([...notices.value.filter((other) => other.text !== text), notice].slice(-MOST_SHOWN));
  setTimeout(() => dismiss(notice.id), isWrong || action !== null || links.length ? SHOWN_LONG_MS : SHOWN_MS);
}

export function dismiss(id: number): void {
  notices.set(notices.value.filter((notice) => notice.id !== id));
}

/** Runs `work`; what fails is told in a notice. */
export function reporting(work: () => Promise<unknown> | unknown): () => Promise<void> {
  return async () => {
    try {
      await work();
    } catch (error) {
      notify(`That did not work: ${errorText(error)}`, true);
    }
  };
}
