// What tabs left open, as the browser's storage has it. Not here: which tab goes on with it (`ownership`).
import { ask } from "../api/client";
import type { ProblemMessage } from "../api/messages";
import { Courier } from "./courier";
import { Journal, type JournalSummary } from "./journal";
import { type SessionAbout, startOfSession } from "./session";

/** What a journal is of. */
export interface DocumentAbout extends SessionAbout {
  title: string;
  fileName: string;
  /** null: a file of the person's own, or a scratch text. */
  problem: ProblemMessage | null;
}

/** Of this tab; null: it has ended. */
export function loadJournal(key: string): Journal<DocumentAbout> | null {
  return Journal.load<DocumentAbout>(localStorage, key);
}

/** Those of every tab, the latest first. */
export function storedJournals(): JournalSummary<DocumentAbout>[] {
  return Journal.keys(localStorage).flatMap((key) => Journal.summary<DocumentAbout>(localStorage, key) ?? []).sort((a, b) => b.touched - a.touched);
}

/** Sends what a journal still has and ends its session. */
export async function finish(key: string): Promise<void> {
  const journal = loadJournal(key);
  if (journal === null) return;
  journal.noteEnding();
  await new Courier(journal, { post: ask, report: () => undefined, start: startOfSession(journal.about) }).end();
  journal.remove();
}

/** Of a document, the same in every tab. */
export function documentName({ problemId, filePath, folder = null }: DocumentAbout): string {
  return JSON.stringify([problemId, filePath, folder]);
}

export function isSameDocument(one: DocumentAbout, other: DocumentAbout): boolean {
  const isSameFolder = one.folder == null || other.folder == null || one.folder === other.folder;
  return one.problemId === other.problemId && one.filePath === other.filePath && one.fileName === other.fileName && isSameFolder;
}
