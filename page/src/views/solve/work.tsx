// The open document: what it asks for, the editor, what its tests gave, and the assistant.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { AssistantPanel } from "../../assistant/assistant-panel";
import { AssistantStrip } from "../../assistant/assistant-strip";
import { Prose } from "../../components/prose";
import { reporting } from "../../notices";
import { address } from "../../router";
import { useStore } from "../../store";
import { type OpenDocument, workspace } from "../../workspace";
import { Results } from "./results";
import { TestRunner } from "./test-run";

export function Work({ open }: { open: OpenDocument }) {
  const runner = useMemo(() => new TestRunner(open), [open]);
  const { problem } = open;
  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key !== "Enter" || problem === null) return;
    event.preventDefault();
    event.stopPropagation();
    void (event.shiftKey ? runner.submit() : runner.runVisible());
  };
  return (
    <div class={`work ${problem ? "" : "without-problem"}`} onKeyDownCapture={onKeyDown}>
      <section class="statement stack" aria-labelledby="open-title">
        <p class="small"><a href={address("solve")} onClick={leave}>← All problems and files</a></p>
        <h1 id="open-title">{open.title}</h1>
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
        <Toolbar open={open} runner={runner} />
        {problem && <RunResults runner={runner} />}
        <AssistantPanel assistant={workspace.assistant} fileName={open.fileName} />
      </section>
    </div>
  );
}

function EditorPlace({ open }: { open: OpenDocument }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.replaceChildren(open.view.dom);
    open.view.requestMeasure();
    open.view.focus();
  }, [open]);
  return <div class="editor" ref={place} />;
}

function Toolbar({ open, runner }: { open: OpenDocument; runner: TestRunner }) {
  const run = useStore(runner.run);
  const isRunning = run.status === "running";
  return (
    <div class="row toolbar">
      {open.problem && (
        <>
          <button class="primary" disabled={isRunning} onClick={() => void runner.runVisible()} title="Ctrl+Enter">Run</button>
          <button disabled={isRunning} onClick={() => void runner.submit()} title="Ctrl+Shift+Enter">Submit</button>
          <button disabled={!isRunning} onClick={() => runner.stop()}>Stop</button>
        </>
      )}
      <button class="end" onClick={leave}>End the session</button>
    </div>
  );
}

function RunResults({ runner }: { runner: TestRunner }) {
  return <Results run={useStore(runner.run)} />;
}

const leave = reporting(async () => {
  await workspace.close();
  location.hash = address("solve");
});
