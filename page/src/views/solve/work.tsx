// The open document: what it asks for, the editor, what its tests gave, and the assistant.
import { useEffect, useRef, useState } from "preact/hooks";
import { AssistantPanel } from "../../assistant/assistant-panel";
import { AssistantStrip } from "../../assistant/assistant-strip";
import { Button } from "../../components/button";
import { focusHeading } from "../../components/focus";
import { Prose } from "../../components/prose";
import { reporting } from "../../notices";
import { address } from "../../router";
import { settings } from "../../settings/settings";
import { useStore } from "../../store";
import { type OpenDocument, workspace } from "../../workspace";
import type { FileSaver } from "./file-saver";
import { Results } from "./results";
import { download, SaveAs } from "./save-as";
import { runnerOf, type TestRunner } from "./test-run";
import { mayLeave } from "./unsaved";

export interface WorkProps {
  open: OpenDocument;
  /** Saves the person's own file; null: it is none, or it is not opened yet. */
  saver: FileSaver | null;
}

export function Work({ open, saver }: WorkProps) {
  const runner = runnerOf(open);
  const { problem } = open;
  const isScratch = problem === null && open.filePath === null;
  const [isNaming, setNaming] = useState(false);
  const saveAs = () => (settings.value.folder === null ? download(open) : setNaming(true));
  const shortcut = (event: KeyboardEvent): (() => unknown) | null => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return null;
    if (event.key === "Enter" && problem !== null) return () => (event.shiftKey ? runner.submit() : runner.runVisible());
    if (event.key === "Enter" && isScratch) return () => runner.runProgram();
    if (event.key.toLowerCase() !== "s") return null;
    if (saver !== null) return () => saver.save();
    return isScratch ? saveAs : null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const work = shortcut(event);
    if (work === null) return;
    event.preventDefault();
    event.stopPropagation();
    void reporting(work)();
  };
  return (
    <div class={`work ${problem ? "" : "without-problem"}`} onKeyDownCapture={onKeyDown}>
      <section class="statement stack" aria-labelledby="open-title">
        <p class="small"><a href={address("solve")} onClick={(event) => { event.preventDefault(); void leave(); }}>← All problems and files</a></p>
        <h1 id="open-title" class="long-title">{open.title}</h1>
        {problem && (
          <>
            <p class="row small"><span class={`difficulty ${problem.difficulty}`}>{problem.difficulty}</span><span class="quiet-text">{problem.tags.join(", ")}</span></p>
            <Prose text={problem.problem_description} />
          </>
        )}
      </section>
      <section class="editing stack" aria-label="Editor">
        <EditorPlace open={open} />
        <AssistantStrip assistant={workspace.assistant} />
        <Toolbar open={open} runner={runner} saver={saver} saveAs={isScratch ? saveAs : null} />
        {isNaming && <SaveAs open={open} onClose={() => setNaming(false)} />}
        {(problem || isScratch) && <RunResults runner={runner} isProgram={isScratch} />}
      </section>
      <div class="beside">
        <AssistantPanel assistant={workspace.assistant} fileName={open.fileName} />
      </div>
    </div>
  );
}

/** Where the editor stands below the statement, as `solve-view.css` has it. */
const BELOW_STATEMENT = "(max-width: 56rem)";

function EditorPlace({ open }: { open: OpenDocument }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.replaceChildren(open.view.dom);
    open.view.requestMeasure();
    if (open.problem !== null && matchMedia(BELOW_STATEMENT).matches) focusHeading(); // the editor is below what is to be read first
    else open.view.focus();
  }, [open]);
  return <div class="editor" ref={place} />;
}

/** saveAs: null: it is no scratch text. */
function Toolbar({ open, runner, saver, saveAs }: WorkProps & { runner: TestRunner; saveAs: (() => void) | null }) {
  const run = useStore(runner.run);
  const isRunning = run.status === "running";
  return (
    <div class="row toolbar">
      {open.problem && (
        <>
          <Button class="primary" isOff={isRunning} onClick={() => runner.runVisible()} title="Ctrl+Enter">Run</Button>
          <Button isOff={isRunning} onClick={() => runner.submit()} title="Ctrl+Shift+Enter">Submit</Button>
          <Button isOff={!isRunning} onClick={() => runner.stop()}>Stop</Button>
        </>
      )}
      {saveAs && (
        <>
          <Button class="primary" isOff={isRunning} onClick={() => runner.runProgram()} title="Ctrl+Enter">Run</Button>
          <Button isOff={!isRunning} onClick={() => runner.stop()}>Stop</Button>
          <Button onClick={saveAs} title="Ctrl+S">Save as…</Button>
        </>
      )}
      {saver && <Save open={open} saver={saver} />}
      <button class="end" onClick={leave}>End the session</button>
    </div>
  );
}

function Save({ open, saver }: { open: OpenDocument; saver: FileSaver }) {
  const isChanged = useStore(saver.isChanged);
  const isRefused = useStore(saver.isRefused);
  return (
    <>
      <Button class="primary" isOff={!isChanged} onClick={reporting(() => saver.save())} title="Ctrl+S">Save</Button>
      <span class="small quiet-text" role="status">{isChanged ? "Not saved" : "Saved"}</span>
      {isRefused && <Button onClick={() => download(open)}>Download</Button>}
    </>
  );
}

function RunResults({ runner, isProgram }: { runner: TestRunner; isProgram: boolean }) {
  return <Results run={useStore(runner.run)} isOutdated={useStore(runner.isOutdated)} isProgram={isProgram} />;
}

const leave = reporting(async () => {
  if (!(await mayLeave())) return;
  const closing = workspace.close();
  location.hash = address("solve"); // at once: the person may be elsewhere when the session has ended
  await closing;
});
