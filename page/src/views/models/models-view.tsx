// Stored models: what each learned from, how it did, and which one decides, or none.
import { ask } from "../../api/client";
import type { ModelMessage } from "../../api/learning";
import { focusHeading } from "../../components/focus";
import { Loading } from "../../components/loading";
import { useResource } from "../../components/resource";
import { when } from "../../format";
import { notify, reporting } from "../../notices";
import { address } from "../../router";
import { settings } from "../../settings/settings";
import type { ViewProps } from "../../shell";
import { useStore } from "../../store";
import { ComparisonTable } from "../learning/comparison-table";
import "./models-view.css";
import { isUntrained, modelFacts, modelName, useWords } from "./names";

export function ModelsView(_: ViewProps) {
  const models = useResource<ModelMessage[]>("/api/models");
  const { answer, reload } = models;
  const choose = (path: string, told: string) => reporting(async () => {
    await ask(`/api/models/${path}`, {});
    notify(told);
    await reload();
    focusHeading(); // the button is gone
  });
  return (
    <div class="stack">
      <h1>Models</h1>
      <p class="words quiet-text">Every training that was kept leaves a model. One of them decides when you are helped; you can use another one, or none, at any time: all of them stay.</p>
      <Loading resource={models} what="the models" />
      {answer?.length === 0 && <p class="words">There are none yet. <a href={address("learning")}>Train</a> once you have recorded a session; until then {unlearned(settings.value.explore)}.</p>}
      {answer !== null && answer.length > 0 && (
        <ul class="plain stack">
          {answer.filter((model) => !isUntrained(model)).map((model) => <Generation key={model.id} model={model} models={answer} choose={choose} />)}
          <NoModel isCurrent={answer.some((model) => model.current && isUntrained(model))} choose={choose} />
        </ul>
      )}
    </div>
  );
}

type Choose = (path: string, told: string) => () => Promise<void>;

function Generation({ model, models, choose }: { model: ModelMessage; models: readonly ModelMessage[]; choose: Choose }) {
  const name = modelName(model);
  const use = useWords(model, models);
  return (
    <li class={`panel stack generation ${model.current ? "current" : ""}`}>
      <div class="row">
        <h2>{name} <span class="facts">{modelFacts(model)}</span></h2>
        {model.damaged && <span class="wrong">damaged</span>}
        {model.protected && <span class="quiet-text small">the start of every training</span>}
        <span class="end">
          {model.current ? <span class="right">✓ in use</span>
            : <button disabled={model.damaged} aria-label={`${use}: ${name}`} onClick={choose(`${encodeURIComponent(model.id)}/restore`, `${name} decides from now on.`)}>{use}</button>}
        </span>
      </div>
      <details class="small">
        <summary>How it came about, and how it did</summary>
        <div class="stack">
          <p class="words">It was made {when(typeof model.created === "number" ? model.created * 1000 : model.created)}{model.verdict && ` and came into use because ${model.verdict}`}. Its id is <code>{model.id}</code>.</p>
          {model.measured.length > 0 && (
            <ComparisonTable rows={model.measured} caption={`On ${model.measured_sessions ?? "some"} sessions ${model.measured_on === "held_out" ? "held out" : "that it learned from"}`} />
          )}
        </div>
      </details>
    </li>
  );
}

function NoModel({ isCurrent, choose }: { isCurrent: boolean; choose: Choose }) {
  const { explore } = useStore(settings);
  return (
    <li class={`panel stack generation ${isCurrent ? "current" : ""}`}>
      <div class="row">
        <h2>No model</h2>
        <span class="end">
          {isCurrent ? <span class="right">✓ in use</span>
            : <button aria-label="Use no model" onClick={choose("untrained", "No model decides from now on. The stored ones stay.")}>Use none</button>}
        </span>
      </div>
      <p class="words small quiet-text">As at the beginning: {unlearned(explore)}. The next training comes into use by itself. The reviewer, which holds back what you would hardly keep, stays as it is; with a stored model comes its own.</p>
    </li>
  );
}

const unlearned = (explore: boolean): string => (explore ? "help comes at random, to learn what you want" : "it keeps quiet unless you ask");
