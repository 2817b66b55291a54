// Saves the person's file that is open, and knows whether it differs from the disk.
import { StateEffect, type Text } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { ask, RefusedError } from "../../api/client";
import type { FileContent, SaveAnswer } from "../../api/files";
import { confirmed } from "../../components/confirm";
import { fileText } from "../../editor/coordinates";
import { Store } from "../../store";
import { type OpenDocument, workspace } from "../../workspace";

const NOT_FOUND = 404;
const CONFLICT = 409;

const savers = new WeakMap<OpenDocument, FileSaver>();

/** Of a document that is a file of the person's own and was opened from the disk. */
export const saverOf = (open: OpenDocument): FileSaver | null => savers.get(open) ?? null;

export class FileSaver {
  readonly isChanged: Store<boolean>;
  /** Whether the last attempt was refused: the text can be taken along as a download. */
  readonly isRefused = new Store(false);
  #saving = Promise.resolve();
  #saved: Text | null; // null: the editor differs from the disk since it was opened

  /** content: of the file on the disk. */
  constructor(private readonly open: OpenDocument, private readonly path: string, content: FileContent) {
    this.#saved = fileText(open.view.state) === content.text ? open.view.state.doc : null;
    this.isChanged = new Store(this.#saved === null);
    const follow = EditorView.updateListener.of((update) => {
      if (update.docChanged) this.isChanged.set(this.#saved === null || !update.state.doc.eq(this.#saved));
    });
    open.view.dispatch({ effects: StateEffect.appendConfig.of(follow) });
    savers.set(open, this);
  }

  /** One after the other: the second is based on what the first has saved. */
  save(): Promise<void> {
    const saving = this.#saving.then(() => this.#trySave());
    this.#saving = saving.catch(() => undefined);
    return saving;
  }

  async #trySave(): Promise<void> {
    try {
      await this.#save();
    } catch (error) {
      this.isRefused.set(true);
      throw error;
    }
  }

  async #save(): Promise<void> {
    const { view: { state }, session: { revision, changeCount }, folder } = this.open;
    const body = { path: this.path, text: fileText(state), revision, folder };
    try {
      this.#note((await ask<SaveAnswer>("/api/files/save", body)).revision, state.doc, changeCount);
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === CONFLICT)) throw error;
      const onDisk = await revisionOnDisk(this.path);
      if (!(await mayReplace(onDisk))) return;
      this.#note((await ask<SaveAnswer>("/api/files/save", { ...body, revision: onDisk })).revision, state.doc, changeCount);
    }
  }

  #note(revision: string, saved: Text, changes: number): void {
    this.#saved = saved;
    this.isRefused.set(false);
    this.isChanged.set(!this.open.view.state.doc.eq(saved));
    workspace.noteSaved(this.open, revision, changes);
  }
}

/** null: the file is not there any more. */
async function revisionOnDisk(path: string): Promise<string | null> {
  try {
    return (await ask<FileContent>(contentPath(path))).revision;
  } catch (error) {
    if (error instanceof RefusedError && error.status === NOT_FOUND) return null;
    throw error;
  }
}

function mayReplace(onDisk: string | null): Promise<boolean> {
  if (onDisk === null) return confirmed("Save the file again?", "The file was deleted or moved since it was opened. Saving writes it again, with your text.", "Save it again");
  return confirmed("Save over the other change?", "Another program has changed this file since it was opened. Your text would replace what it wrote.", "Save over it");
}

export const contentPath = (path: string): string => `/api/files/content?path=${encodeURIComponent(path)}`;
