// "Why here?": how the latest decisions came about, in words and numbers.
import { useStore } from "../store";
import type { Assistant, DecisionEntry } from "./assistant";
import type { Hunk } from "./hunks";
import { type Explanation, explain, timeOfDay } from "./words";

export function WhyHere({ assistant }: { assistant: Assistant }) {
  const entries = useStore(assistant.decisions);
  return (
    <details class="small">
      <summary><h3>Why here?</h3></summary>
      {!entries.length && <p class="quiet-text">Nothing is decided yet. Type, and pause.</p>}
      <ul class="plain stack-tight">
        {entries.map((entry, index) => <li key={entry.answer.metadata.request_id}><Entry entry={entry} isOpen={index === 0} /></li>)}
      </ul>
    </details>
  );
}

function Entry({ entry, isOpen }: { entry: DecisionEntry; isOpen: boolean }) {
  const explanation = explain(entry.answer, entry);
  const { withheld } = entry.answer.metadata;
  return (
    <details class="why" open={isOpen}>
      <summary>{explanation.headline} <span class="quiet-text">{timeOfDay(entry.time)}</span></summary>
      {explanation.reasons.map((reason) => <p key={reason}>{reason}</p>)}
      {withheld && <pre class="withheld-text" aria-label="The text that it held back" tabIndex={0}>{withheld.text}</pre>}
      <Replaced hunks={entry.hunks} />
      <Considered explanation={explanation} />
      {explanation.stages.length > 0 && (
        <p class="quiet-text">{explanation.stages.map(({ name, milliseconds }) => `${name} ${milliseconds}`).join(", ")}</p>
      )}
    </details>
  );
}

function Replaced({ hunks }: { hunks: readonly Hunk[] }) {
  const replacing = hunks.filter((hunk) => hunk.removed.trim());
  if (!replacing.length) return null;
  return (
    <ul class="plain edit-change" aria-label="What it replaced">
      {replacing.map((hunk) => (
        <li key={hunk.from}><del>{hunk.removed.trim()}</del>{hunk.inserted.trim() && <> → <ins>{hunk.inserted.trim()}</ins></>}</li>
      ))}
    </ul>
  );
}

function Considered({ explanation }: { explanation: Explanation }) {
  if (!explanation.considered.length) return null;
  return (
    <table>
      <caption>What it considered</caption>
      <thead><tr><th scope="col">To</th><th scope="col" class="number">Line</th><th scope="col" class="number">Probability</th></tr></thead>
      <tbody>
        {explanation.considered.map(({ name, line, probability }) => (
          <tr key={`${name} ${line}`}><td>{name}</td><td class="number">{line}</td><td class="number">{probability}</td></tr>
        ))}
      </tbody>
    </table>
  );
}
