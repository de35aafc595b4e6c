/** Results as files: the challenge's `submission.csv`, and `results.json` with all that is known of every study. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { targetOfName } from '@spineline/shared/domain';
import { SUBMISSION_HEADER, submissionLines } from '@spineline/shared/evaluation';
import type { FailureRecord, RunRecord, RunStore, StudyResult } from '@spineline/shared/runs';

/**
 * Writes `submission.csv`: 25 rows a scored study, studies in natural order. The challenge's format has no room for the
 * notice of the models, which goes into a file of its own beside it.
 *
 * @param file `-` for standard output, which gets no notice.
 * @returns the number of studies.
 */
export async function writeSubmissionFile(runs: RunStore, record: RunRecord, file: string): Promise<number> {
  if (file !== '-') {
    const notice = noticeFileOf(file);
    if (record.notice) await writeFile(notice, `${record.notice}\n`);
    else await rm(notice, { force: true });
  }
  return writeChunks(file, async function* (count) {
    yield SUBMISSION_HEADER;
    for await (const result of runs.results(record.run)) {
      count();
      yield submissionLines(result.study, submissionRows(result));
    }
  });
}

/** `submission.csv.notice.txt` beside `submission.csv`. */
export function noticeFileOf(file: string): string {
  return `${file}.notice.txt`;
}

/**
 * Writes `results.json`: `{ schema, notice, run, studies: [...], failures: [...] }`, a study a line, so that a file of
 * ten thousand studies is written and can be read as a stream.
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
  let counted = 0;
  const stream = file === '-' ? process.stdout : createWriteStream(file);
  for await (const chunk of chunks(() => counted++)) {
    if (!stream.write(chunk)) await once(stream, 'drain');
  }
  if (file !== '-') {
    stream.end();
    await finished(stream);
  }
  return counted;
}
