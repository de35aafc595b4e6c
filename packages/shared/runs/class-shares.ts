/**
 * How much of a run is class shares: targets without any view, for which no image was looked at. The counts come from
 * results, or are estimates from Redis; every report of a run states them in the same words.
 */

import { TARGETS, counted } from '../domain/index.ts';
import type { StudyResult } from './records.ts';

/** Targets of scored studies that got class shares, and studies with at least one such target. */
export interface ClassShares {
  readonly targets: number;
  readonly studies: number;
}

/** Counts class shares in results that are added one by one. */
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
