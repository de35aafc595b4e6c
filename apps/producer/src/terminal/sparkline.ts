/** A row of bars, one character a value. */

const BARS = [...'▁▂▃▄▅▆▇█'];

/**
 * @param values none below 0.
 * @param top the value of a full bar; by default the largest one.
 * @returns the lowest bar for 0 alone: however little a value is, it is seen.
 */
export function sparkline(values: readonly number[], top = Math.max(0, ...values)): string {
  const highest = BARS.length - 1;
  return values.map((value) => BARS[top > 0 ? Math.min(highest, Math.ceil((highest * value) / top)) : 0]).join('');
}
