/**
 * Results as files: `submission.csv` in the format of the challenge, with a notice in a second file, and `results.json`
 * with everything that is known about each study.
 */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { storeOption } from '../config/index.ts';
import { compareNatural } from '../dataset/index.ts';
import { TARGETS, targetOfName, counted } from '../domain/index.ts';
import { SUBMISSION_HEADER, submissionLines } from '../evaluation/index.ts';
import type { BundleOf } from '../models/index.ts';
import {
  type FailureRecord,
  type RunRecord,
  type RunStore,
  type StudyResult,
  ClassShareCounter,
  type ClassShares,
  classSharesText,
} from '../runs/index.ts';
import { classSharesOf } from '../stages/index.ts';

/** What a submission was made from. */
export interface SubmissionCounts {
  /** Scored studies. Their rows are answers of the models, except the class shares below. */
  readonly scored: number;
  /** Targets of scored studies that got class shares. */
  readonly classShares: ClassShares;
  /** Studies that failed. */
  readonly failed: number;
  /** Whether the file also has rows for the failed studies, all of them class shares. */
  readonly filled: boolean;
}

export interface SubmissionOptions {
  /** Class shares for the rows of failed studies. `undefined`: failed studies are not in the file. */
  readonly fillFailed?: Pick<BundleOf<3>, 'classShares'> | undefined;
  /** URL of the store if no setting names it, for commands in the notice. */
  readonly store?: string | undefined;
}

/**
 * Writes `submission.csv`: 25 rows per study, studies in natural order. The format of the challenge has no room for
 * remarks: the notice of the models, how many rows are class shares, and which studies are missing. They go into a
 * second file next to it, which exists only if there is a remark.
 *
 * @param file `-`: standard output, without a notice file.
 */
export async function writeSubmissionFile(
  runs: RunStore,
  record: RunRecord,
  file: string,
  { fillFailed, store }: SubmissionOptions = {},
): Promise<SubmissionCounts> {
  // The notice of the models first, so that even an incomplete file has it.
  if (file !== '-') await writeNotice(file, record.notice);
  const classShares = new ClassShareCounter();
  let scored = 0;
  let failed = 0;
  await writeChunks(file, async function* () {
    yield SUBMISSION_HEADER;
    for await (const one of scoredAndFailed(runs, record.run)) {
      if (typeof one === 'string') {
        failed += 1;
        if (fillFailed) yield submissionLines(one, classShareRows(one, fillFailed));
      } else {
        scored += 1;
        classShares.add(one);
        yield submissionLines(one.study, submissionRows(one));
      }
    }
  });
  const counts = { scored, failed, classShares, filled: fillFailed !== undefined };
  if (file !== '-')
    await writeNotice(file, [record.notice, ...submissionRemarks(record, counts, store)].join('\n').trim());
  return counts;
}

/** What class shares are, for the reader of a submission. */
const NO_IMAGE = 'Their rows say how frequent each severity is in the training set; no image was looked at for them.';

/** Remarks for the reader of a submission. None if every row is the answer of a model. */
export function submissionRemarks(
  { run, studies }: RunRecord,
  { scored, failed, classShares, filled }: SubmissionCounts,
  store?: string,
): string[] {
  const shares = classSharesText(classShares, scored);
  const missing = studies - scored - failed;
  const failures = counted(failed, 'study', 'studies');
  return [
    ...(shares ? [`Class shares: ${shares}, had no view. ${NO_IMAGE}`] : []),
    ...(failed > 0 && filled ? [`Filled with class shares: ${failures} that failed. ${NO_IMAGE}`] : []),
    ...(failed > 0 && !filled
      ? [`Not in the file: ${failures} that failed (spineline failed ${run}${storeOption(store)}).`]
      : []),
    ...(missing > 0 ? [`Not in the file: ${counted(missing, 'study', 'studies')} neither scored nor failed.`] : []),
  ];
}

/** Results of scored studies and ids of failed studies, together in natural order of the ids. */
async function* scoredAndFailed(runs: RunStore, run: string): AsyncGenerator<StudyResult | string> {
  const failed = [...(await runs.finished(run)).failed].sort(compareNatural);
  let next = 0;
  for await (const result of runs.results(run)) {
    while (next < failed.length && compareNatural(failed[next]!, result.study) < 0) yield failed[next++]!;
    // Retried and scored since the failures were listed.
    if (failed[next] === result.study) next += 1;
    yield result;
  }
  yield* failed.slice(next);
}

async function writeNotice(file: string, notice: string): Promise<void> {
  if (notice) await writeFile(noticeFileOf(file), `${notice}\n`);
  else await rm(noticeFileOf(file), { force: true });
}

/** `submission.csv.notice.txt` for `submission.csv`. */
export function noticeFileOf(file: string): string {
  return `${file}.notice.txt`;
}

/**
 * Writes `results.json`: `{ schema, notice, run, studies: [...], failures: [...] }` with one study per line, so that a
 * file with ten thousand studies can be written and read as a stream.
 *
 * @returns the number of studies.
 */
export async function writeResultsFile(runs: RunStore, record: RunRecord, file: string): Promise<number> {
  return writeChunks(file, async function* (count) {
    const head = { schema: 'spineline.results/1', notice: record.notice, run: record };
    yield `${JSON.stringify(head).slice(0, -1)},"studies":[`;
    yield* separated(runs.results(record.run), count);
    yield '],"failures":[';
    yield* separated(runs.failures(record.run));
    yield ']}\n';
  });
}

/** The rows of a failed study: class shares for every target. */
function classShareRows(study: string, bundle: Pick<BundleOf<3>, 'classShares'>) {
  return TARGETS.map((target) => ({ study, target, probabilities: classSharesOf(bundle, target) }));
}

/** The rows of one study in the submission. */
export function submissionRows(result: StudyResult) {
  return result.targets.map(({ name, severities }) => ({
    study: result.study,
    target: targetOfName(name)!,
    probabilities: severities,
  }));
}

async function* separated(items: AsyncIterable<StudyResult | FailureRecord>, count = () => {}): AsyncGenerator<string> {
  let first = true;
  for await (const item of items) {
    count();
    yield `${first ? '' : ','}\n${JSON.stringify(item)}`;
    first = false;
  }
}

async function writeChunks(file: string, chunks: (count: () => void) => AsyncGenerator<string>): Promise<number> {
  let count = 0;
  const stream = file === '-' ? process.stdout : createWriteStream(file);
  for await (const chunk of chunks(() => count++)) {
    if (!stream.write(chunk)) await once(stream, 'drain');
  }
  if (file !== '-') {
    stream.end();
    await finished(stream);
  }
  return count;
}
