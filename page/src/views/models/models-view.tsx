// Stored models: what each learned from, how it did, and the way back to an earlier one.
import { ask } from "../../api/client";
import type { ModelMessage } from "../../api/learning";
import { confirmed } from "../../components/confirm";
import { focusHeading } from "../../components/focus";
import { Loading } from "../../components/loading";
import { useResource } from "../../components/resource";
import { when } from "../../format";
import { notify, reporting } from "../../notices";
import { address } from "../../router";
import type { ViewProps } from "../../shell";
import { ComparisonTable } from "../learning/comparison-table";
import "./models-view.css";

const SOURCES: Record<string, string> = {
  person: "your sessions", samples: "samples", scripted: "simulated people", imported: "brought from elsewhere", nothing: "nothing",
};

export function ModelsView(_: ViewProps) {
  const models = useResource<ModelMessage[]>("/api/models");
  const { answer, reload } = models;
  return (
    <div class="stack">
      <h1>Models</h1>
      <p class="words quiet-text">Every training that was kept leaves a generation. The current one decides when you are helped; you can go back to an earlier one at any time.</p>
      <Loading resource={models} what="the models" />
      {answer?.length === 0 && <p class="words">There are none yet. <a href={address("learning")}>Train</a> once you have recorded a session; until then a fixed rule decides.</p>}
      <ul class="plain stack">{answer?.map((model) => <Generation key={model.id} model={model} reload={reload} />)}</ul>
    </div>
  );
}

function Generation({ model, reload }: { model: ModelMessage; reload: () => Promise<void> }) {
  const restore = reporting(async () => {
    if (!(await confirmed("Go back to these models?", `Generation ${model.id} decides from the next request on. The newer ones stay.`, "Go back"))) return;
    await ask(`/api/models/${encodeURIComponent(model.id)}/restore`, {});
    notify(`Generation ${model.id} is current.`);
    await reload();
    focusHeading(); // the button is gone
  });
  const created = typeof model.created === "number" ? model.created * 1000 : model.created;
  return (
    <li class={`panel stack generation ${model.current ? "current" : ""}`}>
      <div class="row">
        <h2>{model.id}</h2>
        {model.current && <span class="right">✓ current</span>}
        {model.damaged && <span class="wrong">damaged</span>}
        {model.protected && <span class="quiet-text small">the start of every training</span>}
        {!model.current && <button disabled={model.damaged} onClick={restore}>Go back to it</button>}
      </div>
      <p class="quiet-text">{when(created)}, learned from {model.sessions !== null ? `${model.sessions} of ` : ""}{SOURCES[model.trained_on] ?? "an unknown source"}</p>
      {model.verdict && <p class="words">{model.verdict}</p>}
      {model.measured.length > 0 && (
        <details><summary>How it did</summary>
          <ComparisonTable rows={model.measured} caption={`On ${model.measured_sessions ?? "some"} sessions ${model.measured_on === "held_out" ? "held out" : "that it learned from"}`} />
        </details>
      )}
    </li>
  );
}
