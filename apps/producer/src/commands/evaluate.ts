/** `spineline evaluate`: a run or a submission against labels. */

import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mapInOrder } from '@spineline/shared/dataset';
import { CONDITIONS, type Condition, ConfigError, conditionLabel, SEVERITIES, SEVERITY_LABELS, TARGETS, TASKS, type Task, counted } from '@spineline/shared/domain';
import { CALIBRATION_BINS, type Calibration, type Evaluation, evaluate, type LocatedStudy, type LocationErrors, METRIC_PARTS, type MetricPart, type Predicted, readCoordinates, readLabels, readSubmission, type SliceErrors, type SubmissionRow } from '@spineline/shared/evaluation';
import { RunRecord, type RunStore, StudyResult } from '@spineline/shared/runs';
import type { Command } from 'commander';
import { z } from 'zod';
import { withStore } from '../connections.ts';
import { type MembersOf, memberReader, PART_NAMES, TASK_NAMES } from '@spineline/shared/reports';
import { noticeFileOf, submissionRows } from '@spineline/shared/reports';
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
    .description('the challenge’s metric of a run or a submission, and where known how well it found slices and points')
    .argument('<run-or-file>', 'name of a run, a submission.csv, or a results.json')
    .requiredOption('-l, --labels <train.csv>', 'the challenge’s labels')
    .option('-c, --coordinates <csv>', 'labelled points (default: train_label_coordinates.csv beside the labels)')
    .option('--store <url>', 'object store of the run (default: SPINELINE_STORE_URL)')
    .option('--details', 'also which grade was taken for which, by condition')
    .option('--json', 'print all of it as JSON')
    .addHelpText(
      'after',
      `
The score is the mean of four log losses, with sample weights 1, 2, 4 for normal/mild, moderate, severe:
spinal, foraminal, subarticular, and any_severe_spinal over studies. Lower is better. "class shares" is what
somebody would get who looks at no image and always answers with the shares of these very labels, pooled over
the levels and sides of a task; "ratio" is the run's loss as a share of that.
Slices and points need a run or a results.json: a submission.csv does not say where it looked. What each member
of stage 1 would have answered alone is in the store: name the run, or give --store with a results.json.
docs/evaluation.md says how each figure is counted.

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
  /** What the models want shown with it. */
  readonly notice: string;
  /** Studies of which the answers of stage 1's members are not known. */
  readonly studiesWithoutMembers: number;
}

/** Everything that a run in the store predicted, with what each member of stage 1 answered. */
export async function predictionsOfRun(runs: RunStore, name: string): Promise<PredictedBy> {
  const run = await runs.readRun(name);
  return ofResults(runs.results(name), run.notice, await memberReader(runs.store, run));
}

/** What is said of a submission without a notice beside it. */
const UNKNOWN_MODELS =
  'This submission does not say which models made it. Those of demo models, trained on synthetic phantoms, are NOT FOR CLINICAL USE.';

/** `results.json`, as far as it is needed here. */
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
    throw new ConfigError(`${file} is not JSON`, { expected: 'a results.json, whole' }, { cause });
  }
  const parsed = ResultsFile.safeParse(json);
  if (!parsed.success) throw new ConfigError(`${file} is not a results.json: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Studies whose stage-1 outputs are read at once. */
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
        out.faint(`what members answered in ${studies} is not known: it is in the store of the run (see --help)`),
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
      ['part', 'this run', 'class shares', 'ratio', 'over'],
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
    `\n${out.strong('Stage 1')}${out.faint('  slice against the labelled slice, % of those compared; another series counts as 3 or more')}`,
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
  console.log(`\n${out.strong('Stage 2')}${out.faint('  point against the labelled point, px of a 512 x 512 slice')}`);
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
    `\n${out.strong('Grades')}${out.faint('  labelled (row) and most probable (column), number of targets')}`,
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

/** What a stage came to, a line a task: for people who want to know whether it works, not how. */
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
      ['', 'slice exact %', 'within 1 %', 'point off, px', 'grade right %', 'log loss', 'class shares', 'ratio'],
      [
        ...lines,
        ['any severe spinal', '-', '-', '-', '-', ...losses('anySevereSpinal')],
        ['score', '-', '-', '-', '-', ...losses('score')],
      ],
    ),
  );
  console.log(
    out.faint(
      'point: median, px of a 512 x 512 slice. log loss: the challenge’s, weighted, lower is better; class shares: the loss of\nsomebody who looks at no image and always answers with the shares of these very labels.',
    ),
  );
}
