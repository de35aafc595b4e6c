/** `spineline diff`: compares two runs. */

import { access, constants, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  CONDITIONS,
  ConfigError,
  conditionLabel,
  SEVERITIES,
  SEVERITY_LABELS,
  TASKS,
  STAGE_NAMES,
  counted,
} from '@spineline/shared/domain';
import {
  DEFAULT_TOP,
  type GradeChanges,
  type GradeMove,
  METRIC_FIGURES,
  type MetricDifference,
  MOVE_EDGES,
  type PlaceChanges,
  readLabels,
} from '@spineline/shared/evaluation';
import {
  diffPage,
  PART_NAMES,
  TASK_NAMES,
  diffRuns,
  type RunsDiff,
  targetLabel,
  verdictOf,
  withTop,
} from '@spineline/shared/reports';
import { type Command, InvalidArgumentError } from 'commander';
import { withStore } from '../connections.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { compareProgress } from '../terminal/compare-progress.ts';
import { out, table } from '../terminal/style.ts';

interface DiffCommandOptions {
  readonly labels?: string;
  readonly html?: string;
  readonly json?: boolean;
  readonly store?: string;
  readonly top: number;
}

/** An HTML page lists at least this many targets that changed grade. */
const LISTED_ON_PAGE = 200;
/** Largest value of `--top`. For every target of a run use `spineline results --format json`. */
const MOST_LISTED = 10_000;

export function addDiff(program: Command): void {
  program
    .command('diff')
    .description('compare two runs: grades, probabilities, slices, points and, with labels, the metric')
    .argument('<run-a>', 'name of run A, such as the older run')
    .argument('<run-b>', 'name of run B; differences are B - A')
    .option('-l, --labels <train.csv>', 'also compare the challenge’s metric, with 95 % intervals of the difference')
    .option('--html <file>', 'also write the comparison as one HTML page')
    .option('--json', 'print the comparison as JSON')
    .option('--store <url>', 'object store of both runs (default: SPINELINE_STORE_URL)')
    .option('--top <n>', 'targets in each list', listLength, DEFAULT_TOP)
    .addHelpText(
      'after',
      `
Compares the studies that both runs scored, and prints how many only one of them scored. The grade of a target is its
most probable severity. Its move is the largest change among its three probabilities. The compared slices are the
sagittal slice for SCS and NFN and the axial slice for SS. Points are compared where both runs chose the same slice.

With --labels: the metric of both runs over the compared studies (lower is better), and B - A with a 95 % interval. The
interval comes from 2,000 resamples of the studies, the same for both runs. If it contains 0, these studies do not show
which run is better. If all of it is below 0, B is better on studies like these; if all of it is above 0, A is better.
The five intervals are not corrected for multiple comparisons.
docs/evaluation.md says how each figure is computed.

Example:
  spineline diff monday tuesday --store s3://spineline/prod --labels train.csv --html diff.html
${EXIT_HELP}`,
    )
    .action(diff);
}

async function diff(a: string, b: string, options: DiffCommandOptions): Promise<void> {
  if (options.html) await assertWritable(options.html);
  const labels = options.labels === undefined ? undefined : await readLabels(options.labels);
  const whole = await withStore(async ({ runs }) => {
    const view = compareProgress();
    try {
      const top = options.html ? Math.max(options.top, LISTED_ON_PAGE) : options.top;
      return await diffRuns(runs, a, b, { labels, top, onProgress: (done, total) => view.update(done, total) });
    } finally {
      view.stop();
    }
  }, options.store);
  if (options.html) await writeFile(options.html, diffPage(whole, options.top));
  const shown = withTop(whole, options.top);
  if (options.json) console.log(JSON.stringify(shown));
  else printDiff(shown);
}

/** Checks that the file can be written before the runs are read, which may take minutes. */
async function assertWritable(file: string): Promise<void> {
  await access(dirname(file), constants.W_OK).catch((cause: unknown) => {
    throw new ConfigError(`${file} cannot be written`, { hint: 'name a file in an existing folder' }, { cause });
  });
}

function listLength(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0 && value <= MOST_LISTED) return value;
  throw new InvalidArgumentError(`Expected a whole number up to ${MOST_LISTED}.`);
}

const fixed = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? '-';
const signed = (value: number | undefined, digits: number) =>
  value === undefined ? '-' : `${value > 0 ? '+' : ''}${value.toFixed(digits)}`;
const percent = (part: number, of: number) => (of > 0 ? ((100 * part) / of).toFixed(1) : '-');
const title = (text: string, about: string) => console.log(`\n${out.strong(text)}${out.faint(`  ${about}`)}`);

function printDiff(diff: RunsDiff): void {
  printRuns(diff);
  if (diff.metric) printMetric(diff.metric);
  printGrades(diff.grades);
  printPlaces(diff.places);
  printLists(diff);
  for (const notice of diff.notices) console.log(`\n${out.warn(notice)}`);
}

function printRuns({ a, b, studies, bundlesDiffer, datasetsDiffer }: RunsDiff): void {
  console.log(`${out.strong(`A ${a.run}`)} and ${out.strong(`B ${b.run}`)}`);
  const pin = ({ name, version, digest }: RunsDiff['a']['bundles']['stage1']) =>
    `${name}@${version} ${digest.slice(0, 12)}`;
  console.log(
    table(
      ['', 'A', 'B', ''],
      [
        ...STAGE_NAMES.map((stage) => [
          stage,
          pin(a.bundles[stage]),
          pin(b.bundles[stage]),
          bundlesDiffer.includes(stage) ? 'differs' : 'same',
        ]),
        ['dataset', a.dataset.slice(0, 12), b.dataset.slice(0, 12), datasetsDiffer ? 'differs' : 'same'],
        ['scored', `${a.scored} of ${a.studies}`, `${b.scored} of ${b.studies}`, ''],
      ],
    ),
  );
  console.log(
    `${counted(studies.compared, 'study', 'studies')} compared; only in A ${studies.onlyA}, only in B ${studies.onlyB}`,
  );
}

function printMetric(metric: MetricDifference): void {
  const { a, b, difference, interval, resamples } = metric;
  const { studies, rows, studiesNotLabelled, studiesNotPredicted, blankLabels } = a.counts;
  title('Score', `weighted log loss, lower is better; 95 % interval of B - A, ${resamples} resamples of the studies`);
  console.log(
    table(
      ['part', 'A', 'B', 'B - A', 'from', 'to', 'over'],
      METRIC_FIGURES.map((figure) => [
        PART_NAMES[figure],
        fixed(a[figure], 4),
        fixed(b[figure], 4),
        signed(difference[figure], 4),
        signed(interval[figure]?.[0], 4),
        signed(interval[figure]?.[1], 4),
        figure === 'score'
          ? `${studies} studies`
          : `${rows[figure]} ${figure === 'anySevereSpinal' ? 'studies' : 'targets'}`,
      ]),
    ),
  );
  console.log(verdictOf(metric));
  if (studiesNotLabelled > 0) console.log(out.faint(`${studiesNotLabelled} compared studies have no labels`));
  if (studiesNotPredicted > 0) {
    console.log(out.faint(`${studiesNotPredicted} labelled studies were not scored by both and are left out`));
  }
  if (blankLabels > 0) console.log(out.faint(`${blankLabels} blank labels are left out`));
}

function printGrades({ targets, changedTargets, changedStudies, conditions, moves }: GradeChanges): void {
  title(
    'Grades',
    `${changedTargets} of ${targets} targets changed their most probable grade, in ${counted(changedStudies, 'study', 'studies')}`,
  );
  console.log(
    table(
      ['condition', 'A', ...SEVERITIES.map((severity) => `B ${SEVERITY_LABELS[severity]}`)],
      CONDITIONS.flatMap((condition) =>
        SEVERITIES.map((severity, i) => [
          i === 0 ? conditionLabel(condition) : '',
          SEVERITY_LABELS[severity],
          ...conditions[condition].transitions[i]!.map(String),
        ]),
      ),
    ),
  );
  console.log();
  console.log(
    table(
      ['condition', 'changed', '%', 'more severe', 'less severe', 'mean move', 'largest move'],
      CONDITIONS.map((condition) => {
        const { targets: all, moreSevere, lessSevere, meanMove, largestMove } = conditions[condition];
        const changed = moreSevere + lessSevere;
        const counts = [String(changed), percent(changed, all), String(moreSevere), String(lessSevere)];
        return [conditionLabel(condition), ...counts, fixed(meanMove, 4), fixed(largestMove, 4)];
      }),
    ),
  );
  title('Moves', 'number of targets by the largest change among their three probabilities');
  console.log(
    table(
      ['up to', 'targets', '%'],
      moves.map((count, i) => [i === 0 ? 'none' : String(MOVE_EDGES[i]), String(count), percent(count, targets)]),
    ),
  );
}

function printPlaces({ tasks }: PlaceChanges): void {
  title('Stage 1', 'distance between the slices of A and B: number of targets');
  console.log(
    table(
      [
        'task',
        'same',
        'off by 1',
        'off by 2',
        '3 or more',
        'other series',
        'not listed',
        'only A',
        'only B',
        'neither',
      ],
      TASKS.map((task) => {
        const { slices } = tasks[task];
        const moved = [slices.same, slices.movedBy1, slices.movedBy2, slices.movedBy3OrMore, slices.otherSeries];
        const others = [slices.notListed, slices.onlyA, slices.onlyB, slices.neither];
        return [TASK_NAMES[task], ...[...moved, ...others].map(String)];
      }),
    ),
  );
  title(
    'Stage 2',
    'distance between the points of A and B in px of a 512 x 512 slice, where both chose the same slice',
  );
  console.log(
    table(
      ['task', 'compared', 'unmoved', 'median', 'mean', '95th percentile', 'in another slice'],
      TASKS.map((task) => {
        const { compared, unmoved, otherSlice, pixels } = tasks[task].points;
        const { median, mean, p95 } = pixels.in512 ?? {};
        const spread = [median, mean, p95].map((value) => fixed(value, 2));
        return [TASK_NAMES[task], String(compared), String(unmoved), ...spread, String(otherSlice)];
      }),
    ),
  );
}

function printLists({ grades, places }: RunsDiff): void {
  const { changed, largest, changedTargets } = grades;
  if (changed.length > 0) {
    title('Changed grade', `the ${changed.length} largest moves of ${changedTargets}`);
    console.log(moveTable(changed));
  }
  if (largest.length > 0) {
    title('Largest moves', 'whether the grade changed or not');
    console.log(moveTable(largest));
  }
  if (places.largestSliceMoves.length > 0) {
    title('Slices furthest apart', 'series/instance number');
    const rows = places.largestSliceMoves.map(({ study, target, a, b, slices }) => [
      study,
      targetLabel(target),
      `${a.series}/${a.instance}`,
      `${b.series}/${b.instance}`,
      slices === undefined ? (a.series === b.series ? 'not listed' : 'other series') : `off by ${slices}`,
    ]);
    console.log(table(['study', 'target', 'A', 'B', ''], rows));
  }
  if (places.largestPointMoves.length > 0) {
    title('Points furthest apart', 'in the same slice; px of a 512 x 512 slice');
    const rows = places.largestPointMoves.map(({ study, target, a, in512 }) => [
      study,
      targetLabel(target),
      `${a.series}/${a.instance}`,
      in512.toFixed(1),
    ]);
    console.log(table(['study', 'target', 'slice', 'px'], rows));
  }
}

function moveTable(moves: readonly GradeMove[]): string {
  const probabilities = (values: GradeMove['a']) => values.map((value) => value.toFixed(3)).join(' ');
  return table(
    ['study', 'target', 'A', 'B', 'move', 'A normal/moderate/severe', 'B normal/moderate/severe'],
    moves.map(({ study, target, a, b, gradeA, gradeB, move }) => [
      study,
      targetLabel(target),
      SEVERITY_LABELS[gradeA],
      SEVERITY_LABELS[gradeB],
      move.toFixed(3),
      probabilities(a),
      probabilities(b),
    ]),
  );
}
