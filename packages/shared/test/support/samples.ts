/** Parses the text format of Prometheus strictly. */

/** Samples, `name{labels}` to value; a line that does not parse is an error. */
export function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ') || line.startsWith('# TYPE ')) continue;
    const match = /^([a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*\})?) (\S+)$/.exec(line);
    if (!match) throw new Error(`not a sample: ${line}`);
    samples.set(match[1]!, match[2] === '+Inf' ? Infinity : Number(match[2]));
  }
  return samples;
}

/** The value of a metric with exactly these labels, in any order. */
export function sampleOf(
  samples: ReadonlyMap<string, number>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  for (const [series, value] of samples) {
    const [, found, inner = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(series)!;
    const there = inner === '' ? [] : inner.split(/,(?=\w+=")/);
    if (found === name && there.length === wanted.length && wanted.every((label) => there.includes(label)))
      return value;
  }
  return undefined;
}
