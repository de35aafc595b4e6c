/**
 * A manifest as JSON Lines, one study a line; docs/manifests.md describes it for users.
 *
 * Read twice: once to check every line, so that the faults come out together and before anything starts, and once for
 * the studies, one line in memory at a time. Only the ids are kept, to find a study that comes twice.
 */

import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { kindOfDescription } from '../domain/index.ts';
import { LineFaults } from './line-faults.ts';
import { MANIFEST_HINT } from './manifest-hint.ts';
import { unknownDescription } from './series-description.ts';
import { SeriesId, StudyId } from './study-entry.ts';
import { type ImagePlace, locationOf, type SeriesPlan, type StudyPlan } from './study-plan.ts';
import { readLines } from './text-file.ts';

/** Ids may be numbers, as long as JSON's numbers hold them exactly. */
const asText = (id: number | string) => String(id);
const SeriesLine = z
  .strictObject({
    series: z.union([z.string(), z.int()]).transform(asText).pipe(SeriesId),
    description: z.string().optional(),
    folder: z.string().min(1).optional(),
    files: z.array(z.string().min(1)).min(1).optional(),
  })
  .refine(({ folder, files }) => (folder === undefined) !== (files === undefined), 'either "folder" or "files"');
const StudyLine = z.strictObject({
  study: z.union([z.string(), z.int()]).transform(asText).pipe(StudyId),
  series: z.array(SeriesLine).min(1),
});

/**
 * Checks the whole manifest.
 *
 * @returns the number of studies.
 * @throws {DatasetError} `MANIFEST_INVALID` with the line numbers of up to 20 faults.
 */
export async function checkJsonlManifest(path: string): Promise<number> {
  const faults = new LineFaults(basename(path));
  const firstLines = new Map<string, number>();
  let studies = 0;
  for await (const { line, text } of readLines(path)) {
    if (text.trim() === '') continue;
    studies += 1;
    const parsed = parseLine(text, dirname(path));
    if ('faults' in parsed) {
      for (const fault of parsed.faults) faults.add(line, fault);
      continue;
    }
    const first = firstLines.get(parsed.plan.study);
    if (first === undefined) firstLines.set(parsed.plan.study, line);
    else faults.add(line, `study ${parsed.plan.study} for the second time, first on line ${first}`);
  }
  if (studies === 0) faults.add(undefined, 'no study: the manifest is empty');
  faults.throwIfAny('MANIFEST_INVALID', MANIFEST_HINT);
  return studies;
}

/** The studies in the order of their lines. */
export async function* readJsonlManifest(path: string): AsyncGenerator<StudyPlan> {
  for await (const { line, text } of readLines(path)) {
    if (text.trim() === '') continue;
    const parsed = parseLine(text, dirname(path));
    if ('faults' in parsed) {
      // Only if the file was changed after it was checked.
      const faults = new LineFaults(basename(path));
      for (const fault of parsed.faults) faults.add(line, fault);
      faults.throwIfAny('MANIFEST_INVALID', MANIFEST_HINT);
      continue;
    }
    yield parsed.plan;
  }
}

function parseLine(text: string, baseFolder: string): { plan: StudyPlan } | { faults: string[] } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { faults: ['not JSON'] };
  }
  const parsed = StudyLine.safeParse(json);
  if (!parsed.success) {
    return { faults: parsed.error.issues.map(({ path, message }) => [pathText(path), message].join('')) };
  }
  const faults: string[] = [];
  const seen = new Set<string>();
  const series = parsed.data.series.map((one): SeriesPlan => {
    if (seen.has(one.series)) faults.push(`series ${one.series} for the second time`);
    seen.add(one.series);
    const kind = kindOfDescription(one.description ?? '');
    const description = one.description?.trim() || undefined;
    if (kind === undefined && description !== undefined) {
      faults.push(`series ${one.series}: ${unknownDescription(description)}`);
    }
    const locate = (place: string): string => {
      const located = locationOf(place, baseFolder);
      if ('location' in located) return located.location;
      faults.push(`series ${one.series}: ${located.fault}`);
      return '';
    };
    const images: ImagePlace =
      one.folder === undefined ? { files: (one.files ?? []).map(locate) } : { folder: locate(one.folder) };
    return { series: one.series, kind, description, images };
  });
  return faults.length > 0 ? { faults } : { plan: { study: parsed.data.study, series, problems: [] } };
}

/** `series[0].folder: ` for `['series', 0, 'folder']`. */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? '' : `${text.replace(/^\./, '')}: `;
}
