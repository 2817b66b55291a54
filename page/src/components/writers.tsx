// Who writes the assistant's text: what there is to choose from, what each is good for and costs.
import { useState } from "preact/hooks";
import { ask } from "../api/client";
import type { WriterChoice, WriterOption, WritersMessage } from "../api/writers";
import { notify, reporting } from "../notices";
import { Button } from "./button";
import { Command } from "./command";
import { Loading } from "./loading";
import { useResource } from "./resource";
import "./writers.css";

const AUTOMATIC: WriterChoice = { kind: "automatic" };
const KINDS = { server: "A server on this machine", file: "A model file", tutor: "The tutor", embedded: "The embedded writer" };

export function Writers() {
  const writers = useResource<WritersMessage>("/api/writers");
  const { answer, reload } = writers;
  const [busy, setBusy] = useState<string | null>(null);
  const working = (words: string, work: () => Promise<unknown>) => reporting(async () => {
    setBusy(words);
    try {
      await work();
    } finally {
      setBusy(null);
      await reload();
    }
  });
  const choose = (choice: WriterChoice) => working("Getting it ready …", async () => {
    const { name } = await ask<WritersMessage>("/api/writers/choose", choice);
    notify(`From now on: ${choice.kind === "tutor" ? "the tutor, in problems with a solution" : name}.`);
  });
  if (answer === null) return <Loading resource={writers} what="who could write" />;
  const hasTutor = answer.options.some(({ kind, current }) => kind === "tutor" && current);
  return (
    <div class="stack">
      <Loading resource={writers} what="who could write" />
      <p class="words" role="status">{busy ?? `Now writes: ${hasTutor ? "the tutor, in problems with a solution; elsewhere " : ""}${answer.description}.`}</p>
      {answer.failure && <p class="wrong">{answer.failure}</p>}
      {answer.named_at_start && <p class="words quiet-text">{answer.named_at_start} names a writer at every start; what you choose here holds until then.</p>}
      <ul class="plain writers">
        {[...answer.options].sort((a, b) => Number(b.available) - Number(a.available)).map((option) => (
          <Option key={`${option.kind} ${option.name}`} option={option} isOff={busy !== null} choose={choose} />
        ))}
      </ul>
      <p class="row">
        <Button isOff={busy !== null} onClick={working("Looking for servers …", look)}>Look for servers again</Button>
        {!answer.automatic && <Button class="quiet" isOff={busy !== null} onClick={choose(AUTOMATIC)}>Choose the best automatically</Button>}
      </p>
    </div>
  );
}

async function look(): Promise<void> {
  const { options } = await ask<WritersMessage>("/api/writers/look", {});
  const servers = options.filter(({ kind, available }) => kind === "server" && available).map(({ name }) => name);
  notify(servers.length ? `There: ${servers.join(", ")}.` : "No server of language models answers on this machine.");
}

interface OptionProps {
  option: WriterOption;
  isOff: boolean;
  choose: (choice: WriterChoice) => () => Promise<void>;
}

function Option({ option, isOff, choose }: OptionProps) {
  const { choice } = option;
  return (
    <li class={`panel stack writer ${option.current ? "current" : ""}`}>
      <h3>{KINDS[option.kind]}{(option.kind === "file" || (option.kind === "server" && option.available)) && <span class="quiet-text"> {option.name}</span>}</h3>
      <p>{option.good_for}</p>
      <p class="small quiet-text">{option.costs}</p>
      {option.how && (
        <div class="stack-tight small how">
          <p>{option.how}</p>
          {option.command && <Command text={option.command} name={option.name} />}
        </div>
      )}
      <p class="writer-choice">
        {option.current ? <span class="right">✓ writes now</span>
          : choice !== null && <Button isOff={isOff || !option.available} onClick={choose(choice)} aria-label={`Let it write: ${option.name}`}>Let it write</Button>}
        {!option.available && <span class="quiet-text">not there yet</span>}
      </p>
    </li>
  );
}
