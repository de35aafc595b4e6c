/**
 * Reads a manifest as CSV, one row per series; docs/manifests.md describes it for users.
 *
 * The rows of a study need not be adjacent, so the whole file is read into memory. Use JSON Lines for larger manifests.
 */

import { basename, dirname } from 'node:path';
import { kindOfDescription } from '../domain/index.ts';
import { notesOfColumns, readCsvTable } from './csv-table.ts';
import { MANIFEST_HINT } from './manifest-hint.ts';
import { unknownDescription } from './series-description.ts';
import { SeriesId, StudyId } from './study-entry.ts';
import { locationOf, type SeriesPlan, type StudyPlan } from './study-plan.ts';

/**
 * Reads and checks the manifest.
 *
 * @returns the studies in the order of their first rows, and notes for the reader.
 * @throws {DatasetError} `MANIFEST_INVALID` with the line numbers of up to 20 errors.
 */
export async function readCsvManifest(path: string): Promise<{ plans: StudyPlan[]; notes: string[] }> {
  const table = await readCsvTable(path, {
    required: ['study_id', 'series_id', 'location'],
    optional: ['series_description'],
    strict: true,
    code: 'MANIFEST_INVALID',
    hint: MANIFEST_HINT,
  });
  const { faults } = table;
  const studies = new Map<string, Map<string, { line: number; plan: SeriesPlan }>>();
  for (const { line, cells } of table.rows) {
    const study = cells.study_id;
    const series = cells.series_id;
    const before = faults.total;
    for (const parsed of [StudyId.safeParse(study), SeriesId.safeParse(series)]) {
      if (!parsed.success) faults.add(line, parsed.error.issues[0]!.message);
    }
    const description = cells.series_description || undefined;
    const kind = kindOfDescription(description ?? '');
    if (kind === undefined && description !== undefined) faults.add(line, unknownDescription(description));
    const located = cells.location === '' ? { fault: 'no location' } : locationOf(cells.location, dirname(path));
    if ('fault' in located) {
      faults.add(line, located.fault);
      continue;
    }
    if (faults.total > before) continue;
    const ofStudy = studies.get(study) ?? new Map<string, { line: number; plan: SeriesPlan }>();
    studies.set(study, ofStudy);
    const first = ofStudy.get(series);
    if (first) {
      faults.add(line, `series ${series} of study ${study} appears twice, first on line ${first.line}`);
      continue;
    }
    ofStudy.set(series, { line, plan: { series, kind, description, images: { folderOrFile: located.location } } });
  }
  if (table.rows.length === 0 && faults.total === 0) faults.add(undefined, 'no study: the manifest is empty');
  table.check();
  const plans = [...studies].map(([study, series]) => ({
    study,
    series: [...series.values()].map(({ plan }) => plan),
    problems: [],
  }));
  return { plans, notes: notesOfColumns(basename(path), table.ignored) };
}
