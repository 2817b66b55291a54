// Shares with their counts and intervals, as a table with bars.
import type { Rate } from "../api/learning";
import { percent } from "../format";
import "./rates.css";

export interface RatesProps {
  title: string;
  rates: readonly Rate[];
  /** What a key means. */
  name?: (key: string) => string;
  enoughFrom: number;
}

export function Rates({ title, rates, name = (key) => key, enoughFrom }: RatesProps) {
  const counted = rates.filter((rate) => rate.n > 0);
  return (
    <section class="stack rates">
      <h3>{title}</h3>
      {counted.length === 0 ? <p class="quiet-text">Nothing to count yet.</p> : (
        <table>
          <thead><tr><th scope="col"><span class="visually-hidden">{title}</span></th><th scope="col" class="number">Kept</th><th scope="col">95 % sure between</th><th scope="col" class="number">Answers</th></tr></thead>
          <tbody>{counted.map((rate) => (
            <tr key={rate.key} class={rate.enough ? "" : "few"}>
              <th scope="row">{name(rate.key)}</th>
              <td class="number">{percent(rate.rate)}</td>
              <td><Interval rate={rate} /> <span class="small">{percent(rate.low)} and {percent(rate.high)}</span></td>
              <td class="number">{rate.n}</td>
            </tr>
          ))}</tbody>
        </table>
      )}
      {counted.some((rate) => !rate.enough) && <p class="small quiet-text">Grey: fewer than {enoughFrom}, too few to tell.</p>}
    </section>
  );
}

function Interval({ rate: { rate, low, high } }: { rate: Rate }) {
  if (rate === null || low === null || high === null) return null;
  return (
    <svg class="interval" viewBox="0 0 100 12" aria-hidden="true" preserveAspectRatio="none">
      <rect class="whole" x="0" y="5" width="100" height="2" />
      <rect class="range" x={100 * low} y="3" width={Math.max(100 * (high - low), 1)} height="6" />
      <rect class="mean" x={100 * rate - 0.75} y="0" width="1.5" height="12" />
    </svg>
  );
}
