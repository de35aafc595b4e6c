/** `spineline evaluate`: a run or a submission against labels. */

import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError } from '@spineline/shared/domain';
import {
  type ChallengeMetric,
  challengeMetric,
  classShareBaseline,
  type Labels,
  type LocatedStudy,
  type LocationErrors,
  locationErrors,
  readCoordinates,
  readLabels,
  readSubmission,
  type SubmissionRow,
} from '@spineline/shared/evaluation';
import { type RunStore, StudyResult } from '@spineline/shared/runs';
import type { Command } from 'commander';
import { z } from 'zod';
import { withStore } from '../connections.ts';
import { submissionRows } from '../output-files.ts';
import { out, table } from '../terminal/style.ts';

interface EvaluateOptions {
  readonly labels: string;
  readonly coordinates?: string;
  readonly store?: string;
  readonly json?: boolean;
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('the challenge’s metric of a run or a submission, and where known how well it found slices and points')
    .argument('<run-or-file>', 'name of a run, a submission.csv, or a results.json')
    .requiredOption('-l, --labels <train.csv>', 'the challenge’s labels')
    .option('-c, --coordinates <csv>', 'labelled points (default: train_label_coordinates.csv beside the labels)')
    .option('--store <url>', 'object store of the run (default: SPINELINE_STORE_URL)')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
The score is the mean of four log losses, with sample weights 1, 2, 4 for normal/mild, moderate, severe:
spinal, foraminal, subarticular, and any_severe_spinal over studies. Lower is better. "class shares" is what
somebody would get who looks at no image and always answers with the shares of these very labels.
Slices and points need a run or a results.json: a submission.csv does not say where it looked.`,
    )
    .action(async (what: string, options: EvaluateOptions) => {
      const labels = await readLabels(options.labels);
      const predicted = await readPredictions(what, options.store);
      const coordinates = await coordinatesFile(options);
      const evaluation = evaluate(labels, predicted, coordinates ? await readCoordinates(coordinates) : undefined);
      if (options.json) console.log(JSON.stringify({ notice: predicted.notice, ...evaluation }));
      else printEvaluation(evaluation, predicted.notice);
    });
}

export interface Predicted {
  readonly rows: readonly SubmissionRow[];
  /** Where slices and points were found; undefined for a submission. */
  readonly located: readonly LocatedStudy[] | undefined;
  readonly notice: string;
}

export interface Evaluation {
  readonly metric: ChallengeMetric;
  /** The class shares of these labels. */
  readonly baseline: ChallengeMetric;
  readonly location: LocationErrors | undefined;
}

export function evaluate(
  labels: Labels,
  { rows, located }: Predicted,
  coordinates: Awaited<ReturnType<typeof readCoordinates>> | undefined,
): Evaluation {
  const studies = new Set(rows.map(({ study }) => study));
  const scored: Labels = new Map([...labels].filter(([study]) => studies.has(study)));
  if (scored.size === 0) {
    throw new ConfigError('the labels and the predictions have no study in common', {
      found: `${labels.size} labelled and ${studies.size} predicted studies`,
    });
  }
  return {
    metric: challengeMetric(labels, rows),
    baseline: classShareBaseline(scored, { by: 'task' }),
    location: coordinates && located ? locationErrors(coordinates, located) : undefined,
  };
}

/** Everything that a run in the store predicted. */
export async function predictionsOfRun(runs: RunStore, name: string): Promise<Predicted> {
  const { notice } = await runs.readRun(name);
  const results: StudyResult[] = [];
  for await (const result of runs.results(name)) results.push(result);
  return ofResults(results, notice);
}

async function readPredictions(what: string, store: string | undefined): Promise<Predicted> {
  if (what.endsWith('.csv')) {
    // The challenge's format has no room for a notice.
    const notice = 'A submission does not say which models made it; demo models are NOT FOR CLINICAL USE.';
    return { rows: await readSubmission(what), located: undefined, notice };
  }
  if (!what.endsWith('.json')) return withStore(({ runs }) => predictionsOfRun(runs, what), store);
  const file = z.object({ notice: z.string(), studies: z.array(StudyResult) });
  const text = await readFile(what, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`${what} cannot be read`, {}, { cause });
  });
  const parsed = file.safeParse(JSON.parse(text));
  if (!parsed.success) throw new ConfigError(`${what} is not a results.json: ${z.prettifyError(parsed.error)}`);
  return ofResults(parsed.data.studies, parsed.data.notice);
}

function ofResults(results: readonly StudyResult[], notice: string): Predicted {
  return {
    notice,
    rows: results.flatMap(submissionRows),
    located: results.map(({ study, series, targets }) => ({
      study,
      series,
      targets: targets.map(({ name, slice, axial }) => ({
        name,
        slice: slice ?? undefined,
        axial: axial ?? undefined,
      })),
    })),
  };
}

async function coordinatesFile({ coordinates, labels }: EvaluateOptions): Promise<string | undefined> {
  if (coordinates) return coordinates;
  const beside = join(dirname(labels), 'train_label_coordinates.csv');
  return (await stat(beside).catch(() => undefined)) ? beside : undefined;
}

export function printEvaluation({ metric, baseline, location }: Evaluation, notice: string): void {
  const figure = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(4));
  const row = (
    name: string,
    key: 'score' | 'spinal' | 'foraminal' | 'subarticular' | 'anySevereSpinal',
    over: string,
  ) => [name, figure(metric[key]), figure(baseline[key]), over];
  const { rows } = metric.counts;
  console.log(out.strong('Score') + out.faint('  weighted log loss, lower is better'));
  console.log(
    table(
      ['part', 'this run', 'class shares', 'over'],
      [
        row('spinal', 'spinal', `${rows.spinal} targets`),
        row('foraminal', 'foraminal', `${rows.foraminal} targets`),
        row('subarticular', 'subarticular', `${rows.subarticular} targets`),
        row('any severe spinal', 'anySevereSpinal', `${rows.anySevereSpinal} studies`),
        row('mean of the four', 'score', `${metric.counts.studies} studies`),
      ],
    ),
  );
  const { studiesNotPredicted, blankLabels } = metric.counts;
  if (studiesNotPredicted > 0)
    console.log(out.faint(`${studiesNotPredicted} labelled studies have no result and are left out`));
  if (blankLabels > 0) console.log(out.faint(`${blankLabels} blank labels are left out`));
  if (location) printLocation(location);
  if (notice) console.log(`\n${out.warn(notice)}`);
}

function printLocation(location: LocationErrors): void {
  const tasks = Object.entries(location);
  const percent = (part: number, of: number) => (of > 0 ? ((100 * part) / of).toFixed(1) : '-');
  const pixels = (value: number | undefined) => value?.toFixed(1) ?? '-';
  console.log(`\n${out.strong('Stage 1')}${out.faint('  slice against the labelled slice, % of those compared')}`);
  console.log(
    table(
      ['task', 'compared', 'exact', 'off by 1', 'off by 2', '3 or more'],
      tasks.map(
        ([
          task,
          {
            slices: { compared, exact, offBy1, offBy2, offBy3OrMore },
          },
        ]) => [
          TASK_NAMES[task] ?? task,
          String(compared),
          ...[exact, offBy1, offBy2, offBy3OrMore].map((count) => percent(count, compared)),
        ],
      ),
    ),
  );
  console.log(`\n${out.strong('Stage 2')}${out.faint('  point against the labelled point, px of a 512 x 512 slice')}`);
  console.log(
    table(
      ['task', 'compared', 'median', 'mean', '95th percentile'],
      tasks.map(
        ([
          task,
          {
            pixels: { in512 },
          },
        ]) => [
          TASK_NAMES[task] ?? task,
          String(in512?.count ?? 0),
          pixels(in512?.median),
          pixels(in512?.mean),
          pixels(in512?.p95),
        ],
      ),
    ),
  );
}

const TASK_NAMES: Record<string, string> = { scs: 'SCS (sagittal T2)', nfn: 'NFN (sagittal T1)', ss: 'SS (axial T2)' };
