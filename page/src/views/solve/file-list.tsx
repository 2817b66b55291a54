// The person's own files in the folder that is open, and another folder.
import { useEffect, useRef, useState } from "preact/hooks";
import type { FilesMessage } from "../../api/files";
import { size } from "../../format";
import { reporting } from "../../notices";
import { address } from "../../router";
import { useStore } from "../../store";
import { FolderChoice } from "./folder-choice";
import { forgetFailures, refusedFiles } from "./refused-files";

const MOST_SHOWN = 100;

export function FileList({ message: { folder, files, truncated, hint, failure }, reload }: { message: FilesMessage; reload: () => Promise<void> }) {
  const [words, setWords] = useState("");
  const refused = useStore(refusedFiles);
  const section = useRef<HTMLElement>(null);
  const shown = useRef(folder);
  useEffect(() => {
    if (shown.current === folder) return;
    shown.current = folder;
    setWords("");
    forgetFailures();
    section.current?.querySelector("input")?.focus(); // what was operated is gone
  }, [folder]);
  const matching = files.filter(({ path }) => path.toLowerCase().includes(words.toLowerCase().trim()));
  return (
    <section class="stack" aria-labelledby="files-title" ref={section}>
      <h2 id="files-title">Your files</h2>
      {hint && folder !== null && (
        <p class="row" role="alert"><span class="wrong words">They cannot be shown now: {hint}</span><button onClick={reporting(reload)}>Try again</button></p>
      )}
      {folder === null && <p class="words quiet-text">{failure === null ? "Open a folder of yours to write in its files." : `It cannot be opened now: ${failure}`}</p>}
      {folder === null && <FolderChoice isOpen={failure !== null} onChange={reload} />}
      {folder !== null && hint === null && (
        <>
          <p class="row"><label>Search <input type="search" value={words} onInput={(event) => setWords(event.currentTarget.value)} /></label>
            <span class="small quiet-text" role="status">{matching.length} of {files.length}{truncated && " and more"} files in <code>{folder}</code></span></p>
          <ul class="plain file-list">
            {matching.slice(0, MOST_SHOWN).map((file) => (
              <li key={file.path}>
                <a href={address("file", file.path)}>{file.path}</a> <span class="small quiet-text">{size(file.bytes)}</span>
                {refused.has(file.path) && <span class="small caution refusal">Cannot be opened: {refused.get(file.path)}</span>}
              </li>
            ))}
          </ul>
          {files.length === 0 && <p class="quiet-text">There is no text file in it yet; a scratch file can be saved there.</p>}
          {matching.length > MOST_SHOWN && <p class="small quiet-text">{matching.length - MOST_SHOWN} more: search for them.</p>}
        </>
      )}
      {folder !== null && (
        <details key={folder} open={hint !== null}>
          <summary>Another folder</summary>
          <FolderChoice isOpen onChange={reload} />
        </details>
      )}
    </section>
  );
}
