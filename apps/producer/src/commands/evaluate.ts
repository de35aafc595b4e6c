/** `spineline evaluate`: compares a run or a submission with labels. */

import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mapInOrder } from '@spineline/shared/dataset';
import {
  CONDITIONS,
  type Condition,
  ConfigError,
  conditionLabel,
  SEVERITIES,
  SEVERITY_LABELS,
  TARGETS,
  TASKS,
  type Task,
  counted,
} from '@spineline/shared/domain';
import {
  CALIBRATION_BINS,
  type Calibration,
  type Evaluation,
  evaluate,
  type LocatedStudy,
  type LocationErrors,
  METRIC_PARTS,
  type MetricPart,
  type Predicted,
  readCoordinates,
  readLabels,
  readSubmission,
  type SliceErrors,
  type SubmissionRow,
} from '@spineline/shared/evaluation';
import {
  type MembersOf,
  memberReader,
  PART_NAMES,
  TASK_NAMES,
  noticeFileOf,
  submissionRows,
} from '@spineline/shared/reports';
import { RunRecord, type RunStore, StudyResult } from '@spineline/shared/runs';
import type { Command } from 'commander';
import { z } from 'zod';
import { withStore } from '../connections.ts';
import { out, table } from '../terminal/style.ts';

interface EvaluateOptions {
  readonly labels: string;
  readonly coordinates?: string;
  readonly store?: string;
  readonly details?: boolean;
  readonly json?: boolean;
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('compare a run or a submission with labels: the challenge’s metric, and for a run slices and points')
    .argument('<run-or-file>', 'name of a run, a submission.csv, or a results.json')
    .requiredOption('-l, --labels <train.csv>', 'the challenge’s labels')
    .option(
      '-c, --coordinates <csv>',
      'labelled points (default: train_label_coordinates.csv in the folder of the labels)',
    )
    .option('--store <url>', 'object store of the run (default: SPINELINE_STORE_URL)')
    .option('--details', 'also print the confusion matrix of the grades, by condition')
    .option('--json', 'print the evaluation as JSON')
    .addHelpText(
      'after',
      `
The score is the mean of four log losses, with sample weights 1, 2, 4 for normal/mild, moderate, severe: spinal,
foraminal, subarticular, and any_severe_spinal over studies. Lower is better. "baseline" is the loss of always
predicting the class frequencies of these labels, pooled over the levels and sides of a task, without any image.
"ratio" is the loss of the run divided by the baseline.
Slices and points need a run or a results.json, since a submission.csv has neither. The answers of the single members
of stage 1 are in the store: name the run, or give --store with a results.json.
docs/evaluation.md says how each figure is computed.

Example:
  spineline evaluate out/results.json --store file://$PWD/out/store --labels train.csv --details`,
    )
    .action(async (what: string, options: EvaluateOptions) => {
      const labels = await readLabels(options.labels);
      const predicted = await readPredictions(what, options.store);
      const coordinates = await coordinatesFile(options);
      const evaluation = evaluate(labels, predicted, coordinates ? await readCoordinates(coordinates) : undefined);
      const { notice, studiesWithoutMembers } = predicted;
      if (options.json) console.log(JSON.stringify({ notice, studiesWithoutMembers, ...evaluation }));
      else printEvaluation(evaluation, predicted, options);
    });
}

export interface PredictedBy extends Predicted {
  /** Warning of the models, to be shown with the evaluation. */
  readonly notice: string;
  /** Studies for which the answers of the members of stage 1 are not known. */
  readonly studiesWithoutMembers: number;
}

/** Everything that a run in the store predicted, with the answers of each member of stage 1. */
export async function predictionsOfRun(runs: RunStore, name: string): Promise<PredictedBy> {
  const run = await runs.readRun(name);
  return ofResults(runs.results(name), run.notice, await memberReader(runs.store, run));
}

/** Notice for a submission without a notice file. */
const UNKNOWN_MODELS =
  'This submission does not say which models made it. Those of demo models, trained on synthetic phantoms, are NOT FOR CLINICAL USE.';

/** The parts of `results.json` that are needed here. */
const ResultsFile = z.object({ notice: z.string(), run: RunRecord, studies: z.array(StudyResult) });

async function readPredictions(what: string, store: string | undefined): Promise<PredictedBy> {
  if (what.endsWith('.csv')) {
    const rows = await readSubmission(what);
    const notice = (await readFile(noticeFileOf(what), 'utf8').catch(() => UNKNOWN_MODELS)).trim();
    const studiesWithoutMembers = new Set(rows.map(({ study }) => study)).size;
    return { rows, located: undefined, notice, studiesWithoutMembers };
  }
  if (!what.endsWith('.json')) return withStore(({ runs }) => predictionsOfRun(runs, what), store);
  const { notice, run, studies } = await readResultsFile(what);
  if (!store) return ofResults(studies, notice);
  return withStore(async (side) => ofResults(studies, notice, await memberReader(side.store, run)), store);
}

async function readResultsFile(file: string): Promise<z.infer<typeof ResultsFile>> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`${file} cannot be read`, {}, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${file} is not JSON`, { expected: 'a complete results.json' }, { cause });
  }
  const parsed = ResultsFile.safeParse(json);
  if (!parsed.success) throw new ConfigError(`${file} is not a results.json: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Studies whose stage-1 outputs are read at a time. */
const READS_AT_ONCE = 16;

async function ofResults(
  results: Iterable<StudyResult> | AsyncIterable<StudyResult>,
  notice: string,
  membersOf: MembersOf = async () => undefined,
): Promise<PredictedBy> {
  const rows: SubmissionRow[] = [];
  const located: LocatedStudy[] = [];
  let studiesWithoutMembers = 0;
  const read = async (result: StudyResult) => ({ result, members: await membersOf(result) });
  for await (const { result, members } of mapInOrder(results, READS_AT_ONCE, read)) {
    if (!members) studiesWithoutMembers += 1;
    rows.push(...submissionRows(result));
    located.push({
      study: result.study,
      series: result.series,
      targets: result.targets.map(({ name, slice, axial }) => ({
        name,
        slice: slice ?? undefined,
        axial: axial ?? undefined,
        members: members?.get(name),
      })),
    });
  }
  return { rows, located, notice, studiesWithoutMembers };
}

async function coordinatesFile({ coordinates, labels }: EvaluateOptions): Promise<string | undefined> {
  if (coordinates) return coordinates;
  const beside = join(dirname(labels), 'train_label_coordinates.csv');
  return (await stat(beside).catch(() => undefined)) ? beside : undefined;
}

export function printEvaluation(
  evaluation: Evaluation,
  { notice, studiesWithoutMembers }: Pick<PredictedBy, 'notice' | 'studiesWithoutMembers'>,
  { details = false }: { details?: boolean } = {},
): void {
  printScore(evaluation);
  if (evaluation.location) {
    printSlices(evaluation.location);
    if (studiesWithoutMembers > 0) {
      const studies = counted(studiesWithoutMembers, 'study', 'studies');
      console.log(
        out.faint(
          `the answers of the members are not known for ${studies}: they are in the store of the run (see --help)`,
        ),
      );
    }
    printPoints(evaluation.location);
  }
  printCalibration(evaluation.calibration);
  if (details) printConfusion(evaluation.confusion);
  if (notice) console.log(`\n${out.warn(notice)}`);
}

const fixed = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? '-';
const percent = (part: number, of: number) => (of > 0 ? ((100 * part) / of).toFixed(1) : '-');

function printScore({ metric, baseline, ratio }: Evaluation): void {
  const { rows, studies, studiesNotPredicted, blankLabels } = metric.counts;
  console.log(out.strong('Score') + out.faint('  weighted log loss, lower is better'));
  console.log(
    table(
      ['part', 'this run', 'baseline', 'ratio', 'over'],
      [...METRIC_PARTS, 'score' as const].map((part) => [
        PART_NAMES[part],
        fixed(metric[part], 4),
        fixed(baseline[part], 4),
        fixed(ratio[part], 3),
        part === 'score' ? `${studies} studies` : `${rows[part]} ${part === 'anySevereSpinal' ? 'studies' : 'targets'}`,
      ]),
    ),
  );
  if (studiesNotPredicted > 0)
    console.log(out.faint(`${studiesNotPredicted} labelled studies have no result and are left out`));
  if (blankLabels > 0) console.log(out.faint(`${blankLabels} blank labels are left out`));
}

function printSlices(location: LocationErrors): void {
  const line = (task: string, answer: string, errors: SliceErrors, others: readonly string[]) => {
    const { compared, exact, offBy1, offBy2, offBy3OrMore, otherSeries } = errors;
    const rates = [exact, offBy1, offBy2, offBy3OrMore, otherSeries].map((count) => percent(count, compared));
    return [task, answer, String(compared), ...rates, ...others];
  };
  console.log(
    `\n${out.strong('Stage 1')}${out.faint('  distance to the labelled slice, % of the compared slices; another series counts as 3 or more')}`,
  );
  console.log(
    table(
      [
        'task',
        'answer of',
        'compared',
        'exact',
        'off by 1',
        'off by 2',
        '3 or more',
        'other series',
        'not placed',
        'left out',
      ],
      TASKS.flatMap((task) => {
        const { slices, members, notCompared } = location[task];
        const leftOut = notCompared.seriesNotUsed + notCompared.sliceNotListed + notCompared.studyNotScored;
        const others = [String(notCompared.targetNotPlaced), String(leftOut)];
        return [
          line(TASK_NAMES[task], task === 'ss' ? 'nearest plane' : 'ensemble', slices, others),
          ...members.map((member) => line('', member.member, member, ['', ''])),
        ];
      }),
    ),
  );
}

function printPoints(location: LocationErrors): void {
  console.log(`\n${out.strong('Stage 2')}${out.faint('  distance to the labelled point, in px of a 512 x 512 slice')}`);
  console.log(
    table(
      ['task', 'compared', 'median', 'mean', '95th percentile'],
      TASKS.map((task) => {
        const { in512 } = location[task].pixels;
        const { median, mean, p95 } = in512 ?? {};
        return [TASK_NAMES[task], String(in512?.count ?? 0), ...[median, mean, p95].map((value) => fixed(value, 1))];
      }),
    ),
  );
}

function printCalibration(calibration: Evaluation['calibration']): void {
  const rate = (value: number | undefined) => fixed(value === undefined ? undefined : 100 * value, 1);
  console.log(
    `\n${out.strong('Calibration')}${out.faint(`  of the most probable grade; expected calibration error (ECE) over ${CALIBRATION_BINS} bins`)}`,
  );
  console.log(
    table(
      ['condition', 'targets', '% right', '% confident', 'ECE', 'ECE, weights 1, 2, 4'],
      CONDITIONS.map((condition) => {
        const { rows, plain, weighted }: Calibration = calibration[condition];
        const [right, confident] = [rate(plain?.accuracy), rate(plain?.confidence)];
        return [
          conditionLabel(condition),
          String(rows),
          right,
          confident,
          fixed(plain?.error, 3),
          fixed(weighted?.error, 3),
        ];
      }),
    ),
  );
}

function printConfusion(confusion: Evaluation['confusion']): void {
  console.log(
    `\n${out.strong('Grades')}${out.faint('  number of targets: labelled severity (row), most probable severity (column)')}`,
  );
  console.log(
    table(
      ['condition', 'labelled', ...SEVERITIES.map((severity) => SEVERITY_LABELS[severity])],
      CONDITIONS.flatMap((condition) =>
        SEVERITIES.map((severity, label) => [
          label === 0 ? conditionLabel(condition) : '',
          SEVERITY_LABELS[severity],
          ...confusion[condition][label]!.map(String),
        ]),
      ),
    ),
  );
}

function taskOf(condition: Condition): Task {
  return TARGETS.find((target) => target.condition === condition)!.task;
}

/** A short evaluation with one line per task, for `spineline demo`. */
export function printOverview({ metric, baseline, ratio, confusion, location }: Evaluation): void {
  const partOf = { scs: 'spinal', nfn: 'foraminal', ss: 'subarticular' } as const;
  const losses = (part: MetricPart | 'score') => [
    fixed(metric[part], 3),
    fixed(baseline[part], 3),
    fixed(ratio[part], 2),
  ];
  const lines = TASKS.map((task) => {
    const { slices, pixels } = location?.[task] ?? {};
    const counts = CONDITIONS.filter((condition) => taskOf(condition) === task).map(
      (condition) => confusion[condition],
    );
    const total = counts.flat(2).reduce((sum, count) => sum + count, 0);
    const right = counts.reduce((sum, one) => sum + one.reduce((all, row, i) => all + row[i]!, 0), 0);
    return [
      TASK_NAMES[task],
      slices ? percent(slices.exact, slices.compared) : '-',
      slices ? percent(slices.exact + slices.offBy1, slices.compared) : '-',
      fixed(pixels?.in512?.median, 1),
      percent(right, total),
      ...losses(partOf[task]),
    ];
  });
  console.log(
    table(
      ['', 'slice exact %', 'within 1 %', 'point off, px', 'grade right %', 'log loss', 'baseline', 'ratio'],
      [
        ...lines,
        ['any severe spinal', '-', '-', '-', '-', ...losses('anySevereSpinal')],
        ['score', '-', '-', '-', '-', ...losses('score')],
      ],
    ),
  );
  console.log(
    out.faint(
      'slice: distance to the labelled slice. point: median distance to the labelled point, in px of a 512 x 512 slice.\nlog loss: the challenge’s weighted log loss, lower is better. baseline: the loss of always predicting the class\nfrequencies of these labels, without any image. ratio: log loss divided by baseline.',
    ),
  );
}
