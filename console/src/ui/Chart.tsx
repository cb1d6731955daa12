// A plain bar chart of parts by the hour, and the same figures as a table for who does not see bars.

import { useId } from "react";
import { chart } from "../texts/common";
import { bars } from "./bars";

export interface Series {
  name: string;
  tone: "good" | "bad" | "warn" | "info" | "neutral";
  values: readonly number[];
}

interface ChartProps {
  title: string;
  /** What stands below each group of parts. */
  labels: readonly string[];
  /** Parts of one sum each, drawn on top of one another. */
  series: readonly Series[];
}

const WIDTH = 480;
const HEIGHT = 120;

export function Chart({ title, labels, series }: ChartProps) {
  const id = useId();
  const drawn = bars(
    series.map(({ values }) => values),
    WIDTH,
    HEIGHT,
  );
  return (
    <figure className="stack-small" aria-labelledby={id}>
      <figcaption id={id} className="row-between">
        <span className="strong">{title}</span>
        <span className="muted small">{chart.most(drawn.most)}</span>
      </figcaption>
      <svg className="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={chart.picture(title)}>
        {drawn.bars.map((bar) => (
          <rect key={`${bar.series}-${bar.place}`} className={`chart-${series[bar.series]?.tone ?? "neutral"}`} x={bar.x} y={bar.y} width={bar.width} height={bar.height} />
        ))}
      </svg>
      <div className="row-between muted small">
        <span>{labels[0]}</span>
        <span>{labels.at(-1)}</span>
      </div>
      <ul className="legend small">
        {series.map(({ name, tone, values }) => (
          <li key={name}>
            <span className={`swatch chart-${tone}`} aria-hidden="true" />
            {name}: {sum(values)}
          </li>
        ))}
      </ul>
      <details>
        <summary className="small">{chart.asTable}</summary>
        <div className="scroll scroll-tall" tabIndex={0} role="region" aria-label={title}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{chart.from}</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {labels.map((label, place) => (
                <tr key={label}>
                  <th scope="row">{label}</th>
                  {series.map(({ name, values }) => (
                    <td key={name}>{values[place]}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
