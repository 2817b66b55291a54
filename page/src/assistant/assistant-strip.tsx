// Under the editor, always in its place: what the assistant does, and the buttons for what it wrote last.
import { useStore } from "../store";
import "./assistant.css";
import type { Assistant } from "./assistant";
import { KEYS } from "./keys";
import { stayInEditor } from "./stay-in-editor";

export function AssistantStrip({ assistant }: { assistant: Assistant }) {
  const { kind, text } = useStore(assistant.status);
  const count = useStore(assistant.fresh).length;
  return (
    <div class="assistant-strip" role="group" aria-label="Assistant">
      <p class="assistant-status assistant-state" data-kind={kind}><span class="assistant-dot" aria-hidden="true" /><span class="assistant-status-text" title={text}>{text}</span></p>
      <div class="assistant-verdicts row">
        <Verdict name="Keep" isOff={!count} onClick={() => assistant.keep()} />
        <Verdict name="Next word" keys={KEYS.nextWord} isOff={!count} onClick={() => assistant.keepNext("word")} />
        <Verdict name="Next line" keys={KEYS.nextLine} isOff={!count} onClick={() => assistant.keepNext("line")} />
        <Verdict name="Take back" keys={KEYS.takeBack} isOff={!count} onClick={() => assistant.takeBack()} />
        <span class={`row ${count > 1 ? "" : "assistant-reserved"}`}>
          <Verdict name="Keep all" isOff={count < 2} onClick={() => assistant.keep(true)} />
          <Verdict name="Take all back" isOff={count < 2} onClick={() => assistant.takeBack(true)} />
        </span>
      </div>
    </div>
  );
}

interface VerdictProps { name: string; keys?: string; isOff: boolean; onClick: () => void }

function Verdict({ name, keys = "", isOff, onClick }: VerdictProps) {
  return (
    <button class="small" aria-disabled={isOff} onMouseDown={stayInEditor} onClick={() => { if (!isOff) onClick(); }}>
      {name}{keys && <> <kbd>{keys}</kbd></>}
    </button>
  );
}
