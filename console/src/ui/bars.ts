// Where the bars of a chart stand. Pure.

export interface Bar {
  series: number;
  place: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

const GAP = 0.25;

/** One bar for each value that is not 0, the parts of a place on top of one another; `most` is the highest sum. */
export function bars(series: readonly (readonly number[])[], width: number, height: number): { bars: Bar[]; most: number } {
  const places = Math.max(0, ...series.map((values) => values.length));
  const sums = Array.from({ length: places }, (_, place) => series.reduce((total, values) => total + (values[place] ?? 0), 0));
  const most = Math.max(0, ...sums);
  const step = width / Math.max(1, places);
  const found: Bar[] = [];
  for (let place = 0; place < places; place += 1) {
    let top = height;
    for (const [number, values] of series.entries()) {
      const value = values[place] ?? 0;
      if (value <= 0) continue;
      const tall = (value / most) * height;
      top -= tall;
      found.push({ series: number, place, x: place * step + (step * GAP) / 2, y: top, width: step * (1 - GAP), height: tall });
    }
  }
  return { bars: found, most };
}
