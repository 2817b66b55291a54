import type { HealthMessage } from "../../api/messages";
import { useResource } from "../../components/resource";
import type { ViewProps } from "../../shell";

const REFRESH_MS = 15_000;

export function HealthView(_: ViewProps) {
  const { answer, error } = useResource<HealthMessage>("/api/health", REFRESH_MS);
  return (
    <div class="stack">
      <h1>Health</h1>
      {error && <p class="wrong" role="alert">{error}</p>}
      <dl class="stack">
        {answer?.parts.map((part) => (
          <div key={part.name} class="panel">
            <dt><h2>{part.name}</h2></dt>
            <dd class={part.ok ? "" : "wrong"}>{part.ok ? "" : "Attention: "}{part.text}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
