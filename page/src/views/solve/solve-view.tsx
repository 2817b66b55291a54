// What to work on: a problem, a file of the person's own, a scratch text; or the one that is open.
import { useEffect, useState } from "preact/hooks";
import { ask } from "../../api/client";
import { errorText } from "../../api/errors";
import type { FileContent, FilesMessage } from "../../api/files";
import type { ProblemMessage, ProblemSummary } from "../../api/messages";
import { Loading } from "../../components/loading";
import { useResource } from "../../components/resource";
import { when } from "../../format";
import { notify, reporting } from "../../notices";
import { address } from "../../router";
import type { ViewProps } from "../../shell";
import { settings } from "../../settings/settings";
import { useStore } from "../../store";
import { workspace } from "../../workspace";
import { draft, type DraftOf, dropDraft, keepDrafts } from "./drafts";
import { FileList } from "./file-list";
import { contentPath, FileSaver, saverOf } from "./file-saver";
import { OpenElsewhere } from "./open-elsewhere";
import { ProblemList } from "./problem-list";
import { noteFailure, noteOpened } from "./refused-files";
import { download } from "./save-as";
import "./solve-view.css";
import { mayLeave } from "./unsaved";
import { Work } from "./work";

keepDrafts();

/** rest: the id of a problem. */
export function SolveView({ rest }: ViewProps) {
  const open = useStore(workspace.document);
  const elsewhere = useStore(workspace.elsewhere);
  const { error, forget, again } = useOpening(rest, async (isWanted) => {
    if (rest && rest !== workspace.document.value?.problem?.task_id) await openProblem(rest, isWanted);
  });
  const filePath = rest ? null : open?.filePath ?? null;
  useEffect(() => {
    if (filePath !== null) location.replace(address("file", filePath)); // where it can be saved; going back leads on
  }, [filePath]);
  if (error !== null) return <CannotOpen error={error} forget={forget} />;
  if (open) return <Work key={open.key} open={open} saver={null} />;
  const isElsewhere = elsewhere?.filePath === null && (!rest || rest === elsewhere.problem?.task_id);
  return elsewhere && isElsewhere ? <OpenElsewhere elsewhere={elsewhere} again={again} /> : <Chooser />;
}

/** rest: the path of a file in the person's folder. */
export function FileView({ rest }: ViewProps) {
  const open = useStore(workspace.document);
  const [saver, setSaver] = useState<FileSaver | null>(null);
  const elsewhere = useStore(workspace.elsewhere);
  const { error, forget, again } = useOpening(rest, async (isWanted) => {
    setSaver(null);
    const opened = await openFile(rest, isWanted);
    if (isWanted()) setSaver(opened);
  });
  const isOpen = open?.filePath === rest;
  if (error !== null && !isOpen) return <CannotOpen error={error} forget={forget} />;
  if (!open && elsewhere?.filePath === rest) return <OpenElsewhere elsewhere={elsewhere} again={again} />;
  if (!isOpen) return <p class="quiet-text" role="status">Opening {rest} …</p>;
  return (
    <>
      {error !== null && (
        <p class="row" role="alert"><span class="wrong">This cannot be saved now: {error}</span><button onClick={again}>Try again</button><button onClick={() => download(open)}>Download</button></p>
      )}
      <Work key={open.key} open={open} saver={saver} />
    </>
  );
}

/** Tells whether what was asked for is what the person wants still. */
type IsWanted = () => boolean;

interface OpeningResult {
  /** Why it cannot be opened; null: it can. */
  error: string | null;
  forget: () => void;
  again: () => void;
}

function useOpening(rest: string, open: (isWanted: IsWanted) => Promise<void>): OpeningResult {
  const [error, setError] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isWanted = true;
    setError(null);
    open(() => isWanted).catch((failure: unknown) => { if (isWanted) setError(errorText(failure)); });
    return () => { isWanted = false; };
  }, [rest, attempt]);
  return { error, forget: () => setError(null), again: () => setAttempt((count) => count + 1) };
}

function CannotOpen({ error, forget }: { error: string; forget: () => void }) {
  return (
    <div class="stack">
      <h1>That cannot be opened</h1>
      <p class="wrong" role="alert">{error}</p>
      <p><a href={address("solve")} onClick={forget}>All problems and files</a></p>
    </div>
  );
}

async function openFile(path: string, isWanted: IsWanted): Promise<FileSaver | null> {
  const open = workspace.document.value;
  const known = open?.filePath === path ? saverOf(open) : null;
  if (known !== null) return known;
  const content = await readFile(path);
  if (!(await mayReplace(path, isWanted))) return null;
  await workspace.openText({ title: path, fileName: path.split("/").at(-1) ?? path, filePath: path, folder: content.folder, text: content.text, revision: content.revision });
  const { value } = workspace.document;
  return value?.filePath === path ? saverOf(value) ?? new FileSaver(value, path, content) : null;
}

async function readFile(path: string): Promise<FileContent> {
  try {
    const content = await ask<FileContent>(contentPath(path));
    noteOpened(path);
    return content;
  } catch (failure) {
    noteFailure(path, failure);
    throw failure;
  }
}

// Whether something else may be opened now; if the person says no, the address is that of the open file again.
async function mayReplace(path: string | null, isWanted: IsWanted): Promise<boolean> {
  const filePath = workspace.document.value?.filePath;
  if (!isWanted()) return false;
  if (filePath && filePath !== path && !(await mayLeave())) {
    location.hash = address("file", filePath);
    return false;
  }
  return isWanted();
}

async function openProblem(id: string, isWanted: IsWanted): Promise<void> {
  const problem = await ask<ProblemMessage>(`/api/problems/${encodeURIComponent(id)}`);
  if (!(await mayReplace(null, isWanted))) return;
  const left = draft(id);
  if (left === null) await workspace.openProblem(problem);
  else if (await workspace.openText({ title: problem.title || id, fileName: "solution.py", text: left, problem }) !== "elsewhere") {
    offerToStartOver(id, () => workspace.openProblem(problem));
  }
}

function offerToStartOver(problemId: DraftOf, open: () => Promise<unknown>): void {
  notify("You go on from what you wrote last time.", false, { label: "Start over", run: reporting(async () => {
    if (!(await mayLeave())) return;
    await workspace.close();
    dropDraft(problemId);
    await open();
    location.hash = address("solve", problemId ?? "");
  }) });
}

function Chooser() {
  const problems = useResource<ProblemSummary[]>("/api/problems");
  const files = useResource<FilesMessage>("/api/files");
  return (
    <div class="stack chooser">
      <h1>What do you want to write?</h1>
      <Unfinished />
      <p class="row"><button onClick={reporting(openScratch)}>A scratch file</button></p>
      <Loading resource={files} what="your files" />
      {files.answer && <FileList message={files.answer} reload={files.reload} />}
      <Loading resource={problems} what="the problems" />
      {problems.answer && <ProblemList problems={problems.answer} />}
    </div>
  );
}

function Unfinished() {
  const unfinished = useStore(workspace.unfinished);
  useEffect(() => void workspace.listUnfinished(), []);
  const { folder: openFolder } = useStore(settings);
  if (!unfinished.length) return null;
  return (
    <section class="stack" aria-labelledby="unfinished-title">
      <h2 id="unfinished-title">Left open</h2>
      <ul class="plain stack">
        {unfinished.map(({ key, title, folder, touched }) => (
          <li key={key} class="row">
            <span>{title} {folder !== null && folder !== openFolder && <>in <code>{folder}</code></>} <span class="small quiet-text">{when(touched)}</span></span>
            <button onClick={reporting(() => goOn(key, folder))} aria-label={`Go on with ${title}`}>Go on</button>
            <button class="quiet" onClick={reporting(() => workspace.discard(key))} aria-label={`End ${title}`}>End it</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

async function goOn(key: string, folder: string | null): Promise<void> {
  if (folder !== null && folder !== settings.value.folder) throw new Error(`open its folder first: ${folder}`);
  await workspace.goOn(key);
}

async function openScratch(): Promise<void> {
  const left = draft(null);
  const opening = await workspace.openScratch(left ?? "");
  if (left !== null && opening === "new") offerToStartOver(null, () => workspace.openScratch());
  location.hash = address("solve");
}
