// A chart with the same numbers as a table beside it, for whoever does not see the chart or wants to copy them.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./chart.css";

export interface Series {
  name: string;
  /** One for each of the chart's `xs`; null: none there. */
  values: readonly (number | null)[];
  colour: "accent" | "quiet" | "explain-mark" | "edit-mark" | "human-mark";
  /** Only points, no line between them. */
  isPoints?: boolean;
  isDashed?: boolean;
}

export interface ChartProps {
  title: string;
  xName: string;
  xs: readonly number[];
  /** How the x axis and the table name a value. */
  xLabel?: (x: number) => string;
  series: readonly Series[];
  /** How the y axis and the table name a value; absent: as the axis and three digits have it. */
  yLabel?: (y: number) => string;
  /** Of the y axis, where the title does not say it. */
  yName?: string;
  /** What the numbers are, for whoever does not know. */
  note?: string;
  yRange?: [number, number];
  height?: number;
}

const HEIGHT = 220;
const WHOLE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

export function Chart({ title, xName, xs, xLabel = String, series, yLabel, yName, note, yRange, height = HEIGHT }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useColourScheme();
  useEffect(() => {
    const parent = place.current;
    if (parent === null || !xs.length) return;
    const options: uPlot.Options = {
      width: parent.clientWidth, height, legend: { show: series.length > 1, live: false }, cursor: { show: false },
      scales: { x: { time: false }, ...(yRange ? { y: { range: () => yRange } } : {}) },
      axes: [axis(parent, { values: (_, splits) => splits.map((x) => (Number.isInteger(x) ? xLabel(x) : "")), ...(xs.every(Number.isInteger) && { incrs: WHOLE_STEPS }) }), axis(parent, { size: 56, ...(yLabel && { values: (_, splits) => splits.map(yLabel) }), ...(yName && { label: yName, labelSize: 20 }) })],
      series: [{}, ...series.map((each) => seriesOptions(parent, each))],
    };
    const plot = new uPlot(options, [[...xs], ...series.map((each) => [...each.values])], parent);
    const observer = new ResizeObserver(() => plot.setSize({ width: parent.clientWidth, height }));
    observer.observe(parent);
    return () => { observer.disconnect(); plot.destroy(); };
  }, [JSON.stringify([xs, series, yRange]), scheme, height]);
  return (
    <figure class="chart">
      <figcaption><h3>{title}</h3></figcaption>
      <div class="chart-place" ref={place} aria-hidden="true" />
      {note && <p class="small quiet-text words">{note}</p>}
      <details class="small">
        <summary>{title} as a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={`${title} as a table`}>
          <table>
            <thead><tr><th scope="col">{xName}</th>{series.map((each) => <th key={each.name} scope="col" class="number">{each.name}</th>)}</tr></thead>
            <tbody>{xs.map((x, i) => (
              <tr key={i}><th scope="row">{xLabel(x)}</th>{series.map((each) => <td key={each.name} class="number">{valueText(each.values[i], yLabel)}</td>)}</tr>
            ))}</tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function valueText(value: number | null | undefined, label: (y: number) => string = (y) => y.toFixed(3)): string {
  return value == null ? "–" : label(value);
}

function axis(parent: Element, more: uPlot.Axis): uPlot.Axis {
  const rule = { stroke: colour(parent, "rule"), width: 1 };
  return { stroke: colour(parent, "quiet"), grid: rule, ticks: rule, ...more };
}

function seriesOptions(parent: Element, { name, colour: token, isPoints = false, isDashed = false }: Series): uPlot.Series {
  const stroke = colour(parent, token);
  return {
    label: name, stroke, width: isPoints ? 0 : 2, spanGaps: true, ...(isDashed ? { dash: [6, 4] } : {}),
    points: { ...(isPoints && { show: true }), size: isPoints ? 8 : 5, fill: stroke },
  };
}

/** What a token of `style/tokens.css` is now, for a canvas. */
function colour(parent: Element, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${token})`;
  parent.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}

function useColourScheme(): string {
  const read = () => `${document.documentElement.dataset.theme ?? ""} ${matchMedia("(prefers-color-scheme: dark)").matches}`;
  const [scheme, setScheme] = useState(read);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => setScheme(read());
    const observer = new MutationObserver(follow);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    query.addEventListener("change", follow);
    follow(); // it may have changed between rendering and this
    return () => { observer.disconnect(); query.removeEventListener("change", follow); };
  }, []);
  return scheme;
}
