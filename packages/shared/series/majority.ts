/**
 * What the images of a stack say together: a value counts where more than half of all images have it, so that a few images
 * with a value do not speak for others without one.
 */

/** Whether something holds for more than half. */
export function isMost<T>(values: readonly T[], is: (value: T) => boolean): boolean {
  return values.filter(is).length * 2 > values.length;
}

/** The value that more than half have. An absent value counts against all others. */
export function common<T, V extends string>(values: readonly T[], read: (value: T) => V | undefined): V | undefined {
  const known = values.map(read).filter((value) => value !== undefined);
  const usual = mostFrequent(known, (value) => value);
  return usual !== undefined && isMost(values, (value) => read(value) === usual) ? usual : undefined;
}

/** The first of those whose key is met most often; of equals, the first in the order of the alphabet. */
export function mostFrequent<T>(values: readonly T[], keyOf: (value: T) => string): T | undefined {
  const counts = new Map<string, { readonly value: T; count: number }>();
  for (const value of values) {
    const there = counts.get(keyOf(value));
    if (there) there.count++;
    else counts.set(keyOf(value), { value, count: 1 });
  }
  return [...counts].sort(([a, m], [b, n]) => n.count - m.count || (a < b ? -1 : 1))[0]?.[1].value;
}

/** The lower median of the figures that are there; `undefined` unless more than half are. */
export function medianOfMost(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length * 2 > values.length ? lowerMedian(known) : undefined;
}

/** The lower median; `undefined` of nothing. */
export function lowerMedian(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
