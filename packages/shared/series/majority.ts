/**
 * Common values of the images of a stack. A value counts if more than half of all images have it, so that a few images
 * with a value do not decide for those without one.
 */

/** Whether `is` holds for more than half of the values. */
export function isMost<T>(values: readonly T[], is: (value: T) => boolean): boolean {
  return values.filter(is).length * 2 > values.length;
}

/** The value that more than half have. Absent values are part of the whole. */
export function common<T, V extends string>(values: readonly T[], read: (value: T) => V | undefined): V | undefined {
  const known = values.map(read).filter((value) => value !== undefined);
  const usual = mostFrequent(known, (value) => value);
  return usual !== undefined && isMost(values, (value) => read(value) === usual) ? usual : undefined;
}

/** The first value with the most frequent key. If several keys are equally frequent, the first by alphabet. */
export function mostFrequent<T>(values: readonly T[], keyOf: (value: T) => string): T | undefined {
  const counts = new Map<string, { readonly value: T; count: number }>();
  for (const value of values) {
    const there = counts.get(keyOf(value));
    if (there) there.count++;
    else counts.set(keyOf(value), { value, count: 1 });
  }
  return [...counts].sort(([a, m], [b, n]) => n.count - m.count || (a < b ? -1 : 1))[0]?.[1].value;
}

/** The lower median of the defined numbers; `undefined` unless more than half are defined. */
export function medianOfMost(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length * 2 > values.length ? lowerMedian(known) : undefined;
}

/** The lower median; `undefined` for an empty list. */
export function lowerMedian(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
