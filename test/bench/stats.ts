export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) throw new Error('the median of nothing');
  const lower = sorted[middle - 1];
  return sorted.length % 2 === 1 || lower === undefined ? upper : (lower + upper) / 2;
}

/** What one way of doing something took, over all rounds. */
export interface Series {
  readonly name: string;
  readonly unit: 'ms' | 'bytes';
  readonly values: readonly number[];
}

/** A figure that has a limit, such as a ratio of two medians. */
export interface Verdict {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
}

export interface Report {
  readonly bench: string;
  readonly host: {
    readonly cpus: number;
    readonly cpu: string;
    readonly kernel: string;
    readonly acceleration?: string;
  };
  readonly series: readonly Series[];
  readonly verdicts: readonly Verdict[];
}

export function ratio(name: string, over: Series, under: Series, limit: number): Verdict {
  return { name, value: median(over.values) / median(under.values), limit };
}

const show = (value: number, unit: Series['unit']) =>
  unit === 'bytes'
    ? `${(value / 2 ** 20).toFixed(2)} MiB`
    : value < 10_000
      ? `${value.toFixed(0)} ms`
      : `${(value / 1000).toFixed(2)} s`;

/** The report as a table for people. */
export function table(report: Report): string {
  const { cpus, cpu, kernel, acceleration } = report.host;
  const rows = report.series.map(({ name, unit, values }) => [
    name,
    String(values.length),
    show(median(values), unit),
    show(Math.min(...values), unit),
    show(Math.max(...values), unit),
  ]);
  const header = ['', 'runs', 'median', 'least', 'most'];
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`;
  const verdicts = report.verdicts.map(
    ({ name, value, limit }) =>
      `  ${value <= limit ? 'ok    ' : 'MISSED'}  ${name}: ${Number(value.toPrecision(3))} (at most ${limit})`,
  );
  return [
    `${report.bench}: ${cpus} cpus (${cpu}), Linux ${kernel}${acceleration === undefined ? '' : `, guests by ${acceleration}`}`,
    line(header),
    ...rows.map(line),
    ...verdicts,
  ].join('\n');
}
