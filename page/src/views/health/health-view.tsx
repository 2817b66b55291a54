// How every part is and what to do, and the log to hand over.
import type { HealthMessage } from "../../api/messages";
import { Loading } from "../../components/loading";
import { useResource } from "../../components/resource";
import { sentence } from "../../format";
import { address } from "../../router";
import type { ViewProps } from "../../shell";
import "./health-view.css";

const REFRESH_MS = 15_000;

export function HealthView(_: ViewProps) {
  const health = useResource<HealthMessage>("/api/health", REFRESH_MS);
  return (
    <div class="stack">
      <h1>Health</h1>
      <Loading resource={health} what="how the parts are" />
      {health.answer && health.error === null && <Parts health={health.answer} />}
      <section class="stack" aria-labelledby="log-title">
        <h2 id="log-title">The log</h2>
        <p class="words">What went wrong in the services, to hand over to somebody who can mend it. There is no code of yours in it.</p>
        <p><a class="button" href="/api/log" download="codeassist.log">Download the log</a></p>
      </section>
    </div>
  );
}

function Parts({ health }: { health: HealthMessage }) {
  const wrong = health.parts.filter((part) => !part.ok).length;
  return (
    <>
      <p role="status" class={wrong ? "wrong" : "right"}>{wrong ? `Parts that need attention: ${wrong} of ${health.parts.length}.` : "✓ Everything works."}</p>
      <ul class="plain parts">
        {health.parts.map((part) => (
          <li key={part.name} class="panel stack">
            <h2>{part.ok ? <span class="right" aria-hidden="true">●</span> : <span class="wrong">Attention:</span>} {part.name}</h2>
            <p>{part.name === "versions" ? part.text : sentence(part.text)}</p>
            {part.advice && !(part.ok && part.name === "writer") && <p class="small quiet-text">{sentence(part.advice)}</p>}
            {part.name === "writer" && <p class="small"><a href={address("settings")}>{part.ok && part.advice ? "Choose who writes; there may be better ones" : "Choose who writes"}</a></p>}
          </li>
        ))}
      </ul>
    </>
  );
}
