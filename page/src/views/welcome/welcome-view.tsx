// The first visit: what this is, in three sentences, and who is to write.
import { Writers } from "../../components/writers";
import { reporting } from "../../notices";
import { address } from "../../router";
import { changeSettings } from "../../settings/settings";
import type { ViewProps } from "../../shell";
import "./welcome-view.css";

export function WelcomeView(_: ViewProps) {
  const begin = reporting(async () => {
    await changeSettings({ welcomed: true });
    location.hash = address("solve");
  });
  return (
    <div class="stack welcome">
      <h1>Write code; it learns when to help you</h1>
      <p class="welcome-words">
        You write in the editor here, and when you pause, the assistant may write straight into your file.
        What you keep, change or take back (press <kbd>Esc</kbd>) teaches it when, where and how to help you, and when to keep quiet.
        Everything happens on this machine, and nothing you write leaves it unless you choose a writer elsewhere.
      </p>
      <p class="row"><button class="primary" onClick={begin}>Begin</button> <span class="quiet-text">or choose first who is to write.</span></p>
      <section class="stack" aria-labelledby="who-title">
        <h2 id="who-title">Who should write?</h2>
        <p class="words quiet-text">When you are helped is learned from you; who writes the text then is your choice, which you can change at any time in the settings.</p>
        <Writers />
        <p><button class="primary" onClick={begin}>Start writing</button></p>
      </section>
    </div>
  );
}
