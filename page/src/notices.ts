// Short messages over the page, each read out by screen readers. Not here: how they look (`shell`).
import { errorText } from "./api/errors";
import { Store } from "./store";

/** A button beside a notice. */
export interface NoticeAction {
  label: string;
  run: () => void;
}

export interface Notice {
  id: number;
  text: string;
  isWrong: boolean;
  action: NoticeAction | null;
}

const SHOWN_MS = 6000;
const SHOWN_LONG_MS = 20_000; // what is wrong, or asks for something
const MOST_SHOWN = 4;

export const notices = new Store<readonly Notice[]>([]);

let count = 0;

export function notify(text: string, isWrong = false, action: NoticeAction | null = null): void {
  const notice = { id: (count += 1), text, isWrong, action };
  notices.set([...notices.value.filter((other) => other.text !== text), notice].slice(-MOST_SHOWN));
  setTimeout(() => dismiss(notice.id), isWrong || action !== null ? SHOWN_LONG_MS : SHOWN_MS);
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
