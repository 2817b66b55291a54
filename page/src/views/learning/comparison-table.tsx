// Measures before and after a training, with their standard errors and what they are compared with.
import type { Comparison, Estimate } from "../../api/learning";
import { decimal } from "../../format";

/** What a measure says, for whoever does not know its name. */
const MEANINGS: Record<string, string> = {
  "human's decision, accuracy": "How often it foresees what you do next",
  "human's decision, NLL": "How much what you do surprises it",
  "assistant's return a decision": "What a decision of the assistant is worth, by your reactions",
  "share of NO-OP": "How often it would keep quiet",
  "p(kept), Brier score": "How wrong it is about what you keep",
  "p(kept), calibration error": "How far what it expects is from what happens",
  "value, RMS error": "How wrong it is about how a session goes on",
};

export function ComparisonTable({ rows, caption }: { rows: readonly Comparison[]; caption: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="small quiet-text">{caption}; ± is one standard error</caption>
        <thead><tr><th scope="col">Measure</th><th scope="col" class="number">Before</th><th scope="col" class="number">After</th><th scope="col">Beside</th></tr></thead>
        <tbody>{rows.map((row) => (
          <tr key={row.name}>
            <th scope="row">
              {MEANINGS[row.name] ?? row.name}
              <span class="measure quiet-text">{MEANINGS[row.name] && row.name}{row.better && ` (${row.better} is better)`}</span>
            </th>
            <td class="number">{estimate(row.before)}</td>
            <td class="number">{estimate(row.after)}</td>
            <td>{row.baseline && `${row.baseline_name} ${estimate(row.baseline)}`}</td>
          </tr>
        ))}</tbody>
      </table>
    </div>
  );
}

function estimate(value: Estimate | null): string {
  if (value === null || value.mean === null) return "–";
  return value.error === null ? decimal(value.mean, 3) : `${decimal(value.mean, 3)} ± ${decimal(value.error, 3)}`;
}
