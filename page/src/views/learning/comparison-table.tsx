// Measures before and after a training, with their standard errors and what they are compared with.
import type { Comparison, Estimate } from "../../api/learning";
import { decimal } from "../../format";

export function ComparisonTable({ rows, caption }: { rows: readonly Comparison[]; caption: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="small quiet-text">{caption}; ± is one standard error</caption>
        <thead><tr><th scope="col">Measure</th><th scope="col" class="number">Before</th><th scope="col" class="number">After</th><th scope="col">Beside</th></tr></thead>
        <tbody>{rows.map((row) => (
          <tr key={row.name}>
            <th scope="row">{row.name}{row.better && <span class="quiet-text"> ({row.better} is better)</span>}</th>
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
