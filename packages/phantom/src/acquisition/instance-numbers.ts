/** Instance numbers as in archives: in either direction, sometimes with gaps, sometimes not starting at 1. */

import type { Random } from '../random.ts';

/** The instance number of each of `count` slices in spatial order. */
export function numberInstances(random: Random, count: number): number[] {
  const start = random.chance(0.2) ? random.integer(2, 120) : 1;
  const gaps = random.chance(0.25);
  const numbers: number[] = [];
  let next = start;
  for (let index = 0; index < count; index++) {
    numbers.push(next);
    next += gaps && random.chance(0.2) ? random.integer(2, 4) : 1;
  }
  return random.chance(0.5) ? numbers.reverse() : numbers;
}
