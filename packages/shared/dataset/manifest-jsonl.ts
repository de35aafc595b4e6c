/**
 * Reads a manifest as JSON Lines, one study per line; docs/manifests.md describes it for users.
 *
 * The file is read twice: first to check every line, so that all errors are reported together before anything starts;
 * then for the studies, one line in memory at a time. Of the ids, digests are kept, to find repeated studies.
 */

import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { DatasetError, kindOfDescription } from '../domain/index.ts';
import { FirstLines } from './first-lines.ts';
import { LineFaults } from './line-faults.ts';
import { MANIFEST_HINT } from './manifest-hint.ts';
import { unknownDescription } from './series-description.ts';
import { Problem, RejectedEntry, SeriesEntry, SeriesId, StudyId } from './study-entry.ts';
import { type ImagePlace, locationOf, type SeriesPlan, type StudyPlan } from './study-plan.ts';
import { readLines } from './text-file.ts';

/** Ids may be numbers, as long as a JSON number holds them exactly. */
const asText = (id: number | string) => String(id);
const Id = z.union([z.string(), z.int()]).transform(asText);
const Files = z.array(z.string().min(1));
const SeriesLine = z
  .strictObject({
    series: Id.pipe(SeriesId),
    description: z.string().optional(),
    /** The kind by the headers when the manifest was made. */
    inferred: z.string().optional(),
    trust: SeriesEntry.shape.trust,
    folder: z.string().min(1).optional(),
    files: Files.optional(),
    reasons: SeriesEntry.shape.reasons,
    problems: z.array(Problem).min(1).optional(),
    // Left over from an entry of `rejected` that a person moved here. Ignored.
    rejection: RejectedEntry.shape.rejection.optional(),
    reason: RejectedEntry.shape.reason.optional(),
  })
  .refine(({ folder, files }) => (folder === undefined) !== (files === undefined), 'either "folder" or "files"')
  .refine(({ trust, description }) => !trust || description?.trim(), '"trust" needs a "description" to be trusted');
const RejectedLine = z.strictObject({
  series: Id.pipe(SeriesId),
  /** The kind that it would be read as. */
  description: z.string().optional(),
  rejection: RejectedEntry.shape.rejection,
  reason: RejectedEntry.shape.reason,
  files: Files.min(1),
});
const StudyLine = z
  .strictObject({
    study: Id.pipe(StudyId),
    series: z.array(SeriesLine),
    rejected: z.array(RejectedLine).optional(),
    problems: z.array(Problem).min(1).optional(),
  })
  .refine(
    ({ series, rejected = [], problems }) => series.length + rejected.length > 0 || problems,
    'no series, neither in "series" nor in "rejected", and no "problems" say why',
  )
  // A study that is described but has no folder has one problem for all its series.
  .superRefine(({ series, problems }, context) => {
    if (problems) return;
    for (const [place, one] of series.entries()) {
      if (one.files?.length !== 0 || one.problems) continue;
      const message = '"files" is empty, and no "problems" say why';
      context.addIssue({ code: 'custom', path: ['series', place], message });
    }
  });

/**
 * Checks the whole manifest.
 *
 * @returns the number of studies.
 * @throws {DatasetError} `MANIFEST_INVALID` with the line numbers of up to 20 faults.
 */
export async function checkJsonlManifest(path: string): Promise<number> {
  const faults = new LineFaults(basename(path));
  const firstLines = new FirstLines();
  let studies = 0;
  for await (const { line, text } of readLines(path)) {
    if (text.trim() === '') continue;
    studies += 1;
    // Otherwise every line of such a file would be an error.
    if (studies === 1 && /^[[{]\s*$/.test(text)) throw notByLines(path, line);
    const parsed = parseLine(text, dirname(path));
    if ('faults' in parsed) {
      for (const fault of parsed.faults) faults.add(line, fault);
      continue;
    }
    const first = firstLines.add(parsed.plan.study, line);
    if (first !== undefined) faults.add(line, `study ${parsed.plan.study} appears twice, first on line ${first}`);
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
      // Happens only if the file was changed after the check.
      const faults = new LineFaults(basename(path));
      for (const fault of parsed.faults) faults.add(line, fault);
      faults.throwIfAny('MANIFEST_INVALID', MANIFEST_HINT);
      continue;
    }
    yield parsed.plan;
  }
}

/** The error for JSON that is formatted over several lines. */
function notByLines(path: string, line: number): DatasetError {
  return new DatasetError('MANIFEST_INVALID', `line ${line}: this study is spread over several lines`, {
    file: basename(path),
    expected: 'JSON Lines: one study per line',
    hint: 'with jq: `jq -c . FILE` for one study after the other, `jq -c ".[]" FILE` for a list of them',
  });
}

const NOT_DESCRIBED = { kind: undefined, description: undefined };

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
    if (seen.has(one.series)) faults.push(`series ${one.series} appears twice`);
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
    const { reasons, trust, problems } = one;
    // A description that equals `inferred` was not changed by a person: stage 1 infers the kind again.
    const byPerson = trust || kind === undefined || kind !== kindOfDescription(one.inferred ?? '');
    const given = byPerson ? { kind, description } : NOT_DESCRIBED;
    return { series: one.series, ...given, images, reasons, trust, problems };
  });
  const rejected = (parsed.data.rejected ?? []).map((one): RejectedEntry => {
    if (seen.has(one.series)) faults.push(`series ${one.series} appears twice`);
    seen.add(one.series);
    for (const file of one.files) {
      const located = locationOf(file, baseFolder);
      if ('fault' in located) faults.push(`series ${one.series}: ${located.fault}`);
    }
    const kind = kindOfDescription(one.description ?? '');
    if (kind === undefined && one.description?.trim()) {
      faults.push(`series ${one.series}: ${unknownDescription(one.description.trim())}`);
    }
    const { rejection, reason } = one;
    return { series: one.series, images: one.files.length, rejection, reason, ...(kind && { kind }) };
  });
  const { study, problems = [] } = parsed.data;
  return faults.length > 0 ? { faults } : { plan: { study, series, problems, rejected } };
}

/** `series[0].folder: ` for `['series', 0, 'folder']`. */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? '' : `${text.replace(/^\./, '')}: `;
}
