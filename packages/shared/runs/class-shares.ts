/**
 * How much of a run is class shares: targets without any view, for which no image was looked at. Counted in results, or
 * estimated from Redis, and said in the same words wherever a run is told of.
 */

import { TARGETS, counted } from '../domain/index.ts';
import type { StudyResult } from './records.ts';

/** Targets of scored studies that are class shares, and the studies that they are of. */
export interface ClassShares {
  readonly targets: number;
  readonly studies: number;
}

/** Counts them in results, one after the other. */
export class ClassShareCounter implements ClassShares {
  targets = 0;
  studies = 0;

  add(result: StudyResult): void {
    const ofStudy = result.targets.filter(({ classShares }) => classShares).length;
    this.targets += ofStudy;
    if (ofStudy > 0) this.studies += 1;
  }
}

/** `12 of 200 targets, in 2 of 8 studies`; `undefined` if there are none. */
export function classSharesText({ targets, studies }: ClassShares, scored: number): string | undefined {
  if (targets === 0) return undefined;
  const all = TARGETS.length * scored;
  return `${number(targets)} of ${number(all)} targets, in ${number(studies)} of ${counted(scored, 'scored study', 'scored studies')}`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}
