// What the person can tell the assistant, and why it did what it did.
import { useState } from "preact/hooks";
import { reporting } from "../notices";
import { LONGEST_PAUSE_MS, type Pause, SHORTEST_PAUSE_MS } from "../settings/pause";
import { changeSettings, settings } from "../settings/settings";
import { useStore } from "../store";
import type { Assistant } from "./assistant";
import "./assistant.css";
import { KEYS } from "./keys";
import { stayInEditor } from "./stay-in-editor";
import { suffixOf, suffixThatIsOff } from "./trigger";
import { WhyHere } from "./why-here";

const SNOOZE_MINUTES = [5, 15, 60];
const PAUSES: readonly [string, Pause][] = [
  ["After a pause that follows my typing", "adaptive"], [`Only on ${KEYS.askNow}`, "key"], ["After 0.15 s", SHORTEST_PAUSE_MS], ["After 0.5 s", 500],
  ["After 1 s", 1000], ["After 2 s", 2000], ["After 5 s", 5000], ["After 10 s", LONGEST_PAUSE_MS],
];

export function AssistantPanel({ assistant, fileName }: { assistant: Assistant; fileName: string }) {
  useStore(settings);
  useStore(assistant.status);
  const { isPaused } = assistant;
  return (
    <section class="assistant-panel stack" aria-labelledby="assistant-title">
      <h2 id="assistant-title">Assistant</h2>
      <div class="row">
        <button onMouseDown={stayInEditor} onClick={() => assistant.askNow()}>Ask now <kbd>{KEYS.askNow}</kbd></button>
        <button onMouseDown={stayInEditor} onClick={() => assistant.togglePause()}>{isPaused ? "Go on" : "Pause"} <kbd>{KEYS.pause}</kbd></button>
      </div>
      <div class="row" role="group" aria-label="Snooze">
        <span class="quiet-text small">Snooze</span>
        {SNOOZE_MINUTES.map((minutes) => (
          <button key={minutes} class="small" onMouseDown={stayInEditor} onClick={() => assistant.snooze(minutes)}>{minutes} min</button>
        ))}
      </div>
      <When />
      <OffForFileKind fileName={fileName} />
      <WhyHere assistant={assistant} />
      <Keys />
    </section>
  );
}

const OWN = "own";

/** When the assistant is asked without being called, as a choice of the person's. */
export function When() {
  const { pause } = useStore(settings);
  const [isOwn, setIsOwn] = useState(false);
  const isListed = PAUSES.some(([, value]) => value === pause);
  const choose = (name: string) => {
    setIsOwn(name === OWN);
    const chosen = PAUSES.find(([, value]) => String(value) === name)?.[1];
    if (chosen !== undefined) void reporting(() => changeSettings({ pause: chosen }))();
  };
  return (
    <div class="stack-tight small">
      <label class="stack-tight">When it looks
        <select value={isOwn || !isListed ? OWN : String(pause)} onChange={(event) => choose(event.currentTarget.value)}>
          {PAUSES.map(([name, value]) => <option key={name} value={String(value)}>{name}</option>)}
          <option value={OWN}>After a time of my own</option>
        </select>
      </label>
      {(isOwn || !isListed) && <OwnPause pause={pause} />}
    </div>
  );
}

function OwnPause({ pause }: { pause: Pause }) {
  const change = (input: HTMLInputElement) => {
    if (input.reportValidity()) void reporting(() => changeSettings({ pause: Math.round(input.valueAsNumber * 1000) }))();
  };
  return (
    <label class="row">Seconds
      <input type="number" required min={SHORTEST_PAUSE_MS / 1000} max={LONGEST_PAUSE_MS / 1000} step={0.05}
        value={typeof pause === "number" ? pause / 1000 : ""} onChange={(event) => change(event.currentTarget)} />
    </label>
  );
}

function OffForFileKind({ fileName }: { fileName: string }) {
  const { off_for: offFor } = useStore(settings);
  const suffix = suffixThatIsOff(offFor, fileName) ?? suffixOf(fileName);
  if (!suffix) return null;
  const isOff = offFor.includes(suffix);
  const change = () => changeSettings({ off_for: isOff ? offFor.filter((each) => each !== suffix) : [...offFor, suffix] });
  return <label class="row small"><input type="checkbox" checked={isOff} onChange={reporting(change)} />Off for {suffix} files</label>;
}

function Keys() {
  return (
    <details class="small">
      <summary>Keys</summary>
      <dl class="assistant-keys">
        <dt><kbd>{KEYS.takeBack}</kbd></dt><dd>takes back what it wrote last</dd>
        <dt><kbd>{KEYS.nextWord}</kbd></dt><dd>keeps the next word of it and drops the rest; again: one more</dd>
        <dt><kbd>{KEYS.nextLine}</kbd></dt><dd>keeps the next line of it and drops the rest; again: one more</dd>
        <dt><kbd>{KEYS.askNow}</kbd></dt><dd>asks at once, also while paused</dd>
        <dt><kbd>{KEYS.pause}</kbd></dt><dd>pauses and goes on; it types no space. In a word of CAPITALS it does</dd>
      </dl>
      <p class="quiet-text">Everything else is yours, undo as well: what it wrote is one step of it. The two arrows are yours again once you type or move the cursor.</p>
    </details>
  );
}
