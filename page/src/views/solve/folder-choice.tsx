// Chooses the folder of the person's own files, by its path.
import { useId, useState } from "preact/hooks";
import { errorText } from "../../api/errors";
import { reporting } from "../../notices";
import { changeSettings } from "../../settings/settings";

export interface FolderChoiceProps {
  isOpen: boolean;
  /** Another folder is open, or none any more. */
  onChange: () => Promise<void>;
}

export function FolderChoice({ isOpen, onChange }: FolderChoiceProps) {
  const [path, setPath] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [opening, setOpening] = useState<string | null>(null);
  const errorId = useId();
  const choose = async (folder: string | null) => {
    setError(null);
    setOpening(folder);
    try {
      await changeSettings({ folder });
      await onChange(); // a large folder takes seconds
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setOpening(null);
    }
  };
  return (
    <form class="stack" onSubmit={(event) => { event.preventDefault(); if (opening === null) void choose(path.trim()); }}>
      <div class="row">
        <label class="row folder-path">Folder <input value={path} placeholder="~/project" required autocomplete="off" autocapitalize="off" spellcheck={false}
          aria-invalid={error !== null} aria-describedby={error === null ? undefined : errorId} onInvalid={() => setError(null)}
          onInput={(event) => { setPath(event.currentTarget.value); setError(null); }} /></label>
        <button aria-disabled={opening !== null}>Open</button>
        {isOpen && <button type="button" class="quiet" onClick={reporting(() => choose(null))}>Close this one</button>}
      </div>
      <p class="small quiet-text" role="status">{opening !== null && `Looking for the files in ${opening} …`}</p>
      {error !== null && <p class="small wrong words" role="alert" id={errorId}>{error}</p>}
      <p class="small quiet-text words">Its text files can be opened and saved here, nothing outside of it. What ignore files name and what holds secrets stays closed.</p>
    </form>
  );
}
