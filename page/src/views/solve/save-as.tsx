// Saves a scratch text as a file in the person's folder; without one the browser puts it where downloads go.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ask } from "../../api/client";
import { errorText } from "../../api/errors";
import type { SaveAnswer } from "../../api/files";
import { fileText } from "../../editor/coordinates";
import { notify } from "../../notices";
import { address } from "../../router";
import { settings } from "../../settings/settings";
import { useStore } from "../../store";
import { type OpenDocument, workspace } from "../../workspace";
import { dropDraft } from "./drafts";

export interface SaveAsProps {
  open: OpenDocument;
  onClose: () => void;
}

/** Asks for the name in the folder. */
export function SaveAs({ open, onClose }: SaveAsProps) {
  const { folder } = useStore(settings);
  const [path, setPath] = useState(open.fileName);
  const [error, setError] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const errorId = useId();
  useEffect(() => {
    input.current?.focus();
    input.current?.setSelectionRange(0, open.fileName.lastIndexOf("."));
  }, []);
  const close = () => {
    onClose();
    open.view.focus();
  };
  const save = () => saveInFolder(open, path.trim(), folder).catch((failure: unknown) => setError(errorText(failure)));
  return (
    <form class="stack" aria-label="Save as a file" onSubmit={(event) => { event.preventDefault(); void save(); }}
      onKeyDown={(event) => { if (event.key === "Escape") close(); }}>
      <div class="row">
        <label class="row">Save as <input ref={input} value={path} required autocomplete="off" autocapitalize="off" spellcheck={false}
          aria-invalid={error !== null} aria-describedby={error === null ? undefined : errorId} onInvalid={() => setError(null)}
          onInput={(event) => { setPath(event.currentTarget.value); setError(null); }} /></label>
        <button class="primary">Save</button>
        <button type="button" onClick={close}>Cancel</button>
      </div>
      <p class="small quiet-text words">In <code>{folder}</code>; you go on in that file.</p>
      {error !== null && <p class="small wrong words" role="alert" id={errorId}>{error}</p>}
    </form>
  );
}

// What is typed meanwhile is saved too; then the file takes the place of the scratch text.
async function saveInFolder(open: OpenDocument, path: string, folder: string | null): Promise<void> {
  const textNow = () => fileText(open.view.state);
  let revision: string | null = null;
  let text: string;
  do {
    text = textNow();
    ({ revision } = await ask<SaveAnswer>("/api/files/save", { path, text, revision, folder }));
  } while (textNow() !== text);
  const closing = workspace.close();
  dropDraft(null);
  location.hash = address("file", path);
  await closing;
}

export function download({ fileName, filePath, view }: OpenDocument): void {
  const url = URL.createObjectURL(new Blob([fileText(view.state)], { type: "text/plain" }));
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: fileName });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), DOWNLOADED_MS);
  const next = filePath === null ? " With a folder open, it is saved there." : "";
  notify(`${fileName} is where your browser puts downloads.${next}`);
}

const DOWNLOADED_MS = 10_000;
