/** A row of bars, one character per value. */

const BARS = [...'▁▂▃▄▅▆▇█'];

/**
 * @param values not negative.
 * @param top the value of a full bar. Default: the largest value.
 * @returns only 0 gets the lowest bar, so that small values are visible.
 */
export function sparkline(values: readonly number[], top = Math.max(0, ...values)): string {
  const highest = BARS.length - 1;
  return values.map((value) => BARS[top > 0 ? Math.min(highest, Math.ceil((highest * value) / top)) : 0]).join('');
}
