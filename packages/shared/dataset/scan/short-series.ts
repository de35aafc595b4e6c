/**
 * Reports series for which a server returns fewer instances than it says it has. Their studies are scored from the
 * rest.
 */

import type { Problem } from '../study-entry.ts';
import type { FoundProblems } from './found-problems.ts';
import type { ShortSeries } from './losses.ts';
import type { LostStudy } from './lost-studies.ts';
import type { NamedStudy } from './name-studies.ts';
import { pseudonym } from './pseudonyms.ts';

/**
 * Adds a problem to each such series, or to its study if nothing of the series is read.
 *
 * @returns the studies of which nothing was returned.
 */
export function addShortSeries(
  short: readonly ShortSeries[],
  studies: readonly NamedStudy[],
  problems: FoundProblems,
  idKey: string | undefined,
): LostStudy[] {
  const places = new Map(studies.map(({ group }, place) => [group.uid, place]));
  const lost = new Map<string, Problem[]>();
  for (const one of [...short].sort((a, b) => (a.seriesUid < b.seriesUid ? -1 : 1))) {
    const place = places.get(one.studyUid);
    const read = place === undefined ? [] : studies[place]!.series.filter(({ group }) => group.uid === one.seriesUid);
    if (place === undefined) lost.set(one.studyUid, [...(lost.get(one.studyUid) ?? []), problemOf(one, 'a series')]);
    else if (read.length === 0) problems.addToStudy(place, problemOf(one, 'a series'));
    for (const { series } of read) problems.addToSeries(place!, series, problemOf(one, 'this series'));
  }
  return [...lost].map(([uid, all]) => ({ study: pseudonym('study', uid, idKey), problems: all }));
}

function problemOf({ expected, found }: ShortSeries, which: string): Problem {
  const message = `the server says that ${which} has ${expected} instances, and gives ${found} of them`;
  return { code: 'FILES_MISSING', message };
}
