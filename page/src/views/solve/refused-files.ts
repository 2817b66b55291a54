// Files of the open folder that could not be opened, to say so where they are listed; until the page is loaded again.
import { RefusedError } from "../../api/client";
import { Store } from "../../store";

/** Why, by path in the open folder. */
export const refusedFiles = new Store<ReadonlyMap<string, string>>(new Map());

const ABOUT_THE_FILE = [403, 413, 415]; // forbidden, too large, no text in UTF-8

export function noteOpened(path: string): void {
  if (!refusedFiles.value.has(path)) return;
  const others = new Map(refusedFiles.value);
  others.delete(path);
  refusedFiles.set(others);
}

export function noteFailure(path: string, failure: unknown): void {
  if (!(failure instanceof RefusedError) || !ABOUT_THE_FILE.includes(failure.status)) return;
  const reason = failure.message.startsWith(`${path}: `) ? failure.message.slice(path.length + 2) : failure.message;
  refusedFiles.set(new Map(refusedFiles.value).set(path, reason));
}

/** Another folder is open: its paths are others. */
export function forgetFailures(): void {
  refusedFiles.set(new Map());
}
