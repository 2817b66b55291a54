// Everything that a person may want otherwise, and the ways out: export and erase everything, stop the server.
import { useState } from "preact/hooks";
import { ask, trainsAtEnd } from "../../api/client";
import { focusHeading } from "../../components/focus";
import { Writers } from "../../components/writers";
import { notify, reporting } from "../../notices";
import { changeSettings, type Settings, settings } from "../../settings/settings";
import type { ViewProps } from "../../shell";
import { useStore } from "../../store";
import { workspace } from "../../workspace";
import { mayLeave } from "../solve/unsaved";
import "./settings-view.css";

const ERASE = "erase everything";

export function SettingsView(_: ViewProps) {
  return (
    <div class="stack settings">
      <h1>Settings</h1>
      <section class="stack" aria-labelledby="writer-title">
        <h2 id="writer-title">Who writes</h2>
        <Writers />
      </section>
      <Behaviour />
      <Looks />
      <section class="stack" aria-labelledby="yours-title">
        <h2 id="yours-title">What is yours</h2>
        <p class="words">Sessions, models and settings lie on this machine alone; no text leaves it.</p>
        <p class="row"><a class="button" href="/api/export" download>Export everything</a></p>
        <Erase />
      </section>
      <End />
    </div>
  );
}

const change = (part: Partial<Settings>) => void reporting(() => changeSettings(part))();

function Behaviour() {
  const { explore, learn_pastes: learnPastes } = useStore(settings);
  return (
    <section class="stack" aria-labelledby="behaviour-title">
      <h2 id="behaviour-title">Help and learning</h2>
      <Switch checked={explore} onChange={(value) => change({ explore: value })}
        name="Try help at random until three sessions are learned from" note="Otherwise it keeps quiet until then, and has little to learn from." />
      <Switch checked={learnPastes} onChange={(value) => change({ learn_pastes: value })}
        name="Learn from large pastes too" note="They say little about how you write, so they are left out." />
      <OffForFiles />
      <p class="small quiet-text words">Pause and snooze are beside the editor.</p>
    </section>
  );
}

function OffForFiles() {
  const { off_for: offFor } = useStore(settings);
  const helpAgain = (suffix: string) => {
    change({ off_for: offFor.filter((other) => other !== suffix) });
    focusHeading(); // the button goes
  };
  return (
    <div class="row">
      <span>No help in files that end in:</span>
      {offFor.length === 0 && <span class="quiet-text small">none; switch it off beside the editor, with such a file open</span>}
      {offFor.map((suffix) => (
        <span key={suffix}>{suffix} <button class="quiet" aria-label={`Help again in ${suffix} files`} onClick={() => helpAgain(suffix)}>Help again</button></span>
      ))}
    </div>
  );
}

const THEMES = [["system", "as the system"], ["light", "light"], ["dark", "dark"]] as const;

function Looks() {
  const { theme, subtle } = useStore(settings);
  return (
    <section class="stack" aria-labelledby="looks-title">
      <h2 id="looks-title">Looks</h2>
      <fieldset class="row">
        <legend>Colours</legend>
        {THEMES.map(([value, name]) => (
          <label key={value}><input type="radio" name="theme" checked={theme === value} onChange={() => change({ theme: value })} /> {name}</label>
        ))}
      </fieldset>
      <Switch checked={subtle} onChange={(value) => change({ subtle: value })} name="Mark the assistant's text in the margin only" note="Without colour behind it." />
    </section>
  );
}

interface SwitchProps { checked: boolean; onChange: (value: boolean) => void; name: string; note: string }

function Switch({ checked, onChange, name, note }: SwitchProps) {
  return (
    <div>
      <label><input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} /> {name}</label>
      <p class="small quiet-text">{note}</p>
    </div>
  );
}

/** Drafts, and what of sessions the server has not: it would be sent again. */
function forgetInBrowser(): void {
  for (const storage of [localStorage, sessionStorage]) {
    for (const key of Object.keys(storage)) if (key.startsWith("codeassist.")) storage.removeItem(key);
  }
}

function Erase() {
  const [words, setWords] = useState("");
  const erase = reporting(async () => {
    await workspace.close();
    await ask("/api/erase", { confirm: ERASE });
    forgetInBrowser();
    location.hash = "";
    location.reload();
  });
  return (
    <details class="erase">
      <summary>Erase everything</summary>
      <p class="words">Sessions, models, settings, solved marks and logs are deleted for good, at once. Export them first if you may want them again.</p>
      <p class="row">
        <label>To do it, type “{ERASE}” <input value={words} autocomplete="off" onInput={(event) => setWords(event.currentTarget.value)} /></label>
        <button class="danger" disabled={words.trim() !== ERASE} onClick={erase}>Erase everything</button>
      </p>
    </details>
  );
}

function End() {
  const [hasEnded, setEnded] = useState(false);
  const end = reporting(async () => {
    if (!(await mayLeave())) return;
    await workspace.close({ isLast: true });
    await ask("/api/finish", {});
    setEnded(true);
    notify("Recording has ended. This page can be closed.");
  });
  return (
    <section class="stack" aria-labelledby="end-title">
      <h2 id="end-title">Stop</h2>
      <p class="words">{hasEnded ? `The server ends${trainsAtEnd ? "; the terminal shows how training goes" : ""}. This page can be closed.`
        : `Ends the session and the server${trainsAtEnd ? ", then trains in the terminal" : ""}, as Ctrl+C in the terminal does.`}</p>
      <p><button disabled={hasEnded} onClick={end}>{trainsAtEnd ? "Stop and train" : "Stop recording"}</button></p>
    </section>
  );
}
