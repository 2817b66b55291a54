// The person's own files in the folder that run.py was told.
import { useState } from "preact/hooks";
import type { FilesMessage } from "../../api/files";
import { size } from "../../format";
import { address } from "../../router";

const MOST_SHOWN = 100;

export function FileList({ message: { folder, files, truncated, hint } }: { message: FilesMessage }) {
  const [words, setWords] = useState("");
  const matching = files.filter(({ path }) => path.toLowerCase().includes(words.toLowerCase().trim()));
  return (
    <section class="stack" aria-labelledby="files-title">
      <h2 id="files-title">Your files</h2>
      {hint && <p class="words quiet-text">{hint}</p>}
      {folder !== null && (
        <>
          <p class="row"><label>Search <input type="search" value={words} onInput={(event) => setWords(event.currentTarget.value)} /></label>
            <span class="small quiet-text" role="status">{matching.length} of {files.length}{truncated && " and more"} files in <code>{folder}</code></span></p>
          <ul class="plain file-list">
            {matching.slice(0, MOST_SHOWN).map((file) => (
              <li key={file.path}><a href={address("file", file.path)}>{file.path}</a> <span class="small quiet-text">{size(file.bytes)}</span></li>
            ))}
          </ul>
          {matching.length > MOST_SHOWN && <p class="small quiet-text">{matching.length - MOST_SHOWN} more: search for them.</p>}
        </>
      )}
    </section>
  );
}
