/**
 * The table of what the demo models must reach: each requirement's figure of an evaluation, its 95 % interval, and
 * whether it is met. `accuracy.ts` makes the studies, scores them and prints it.
 */

import { CONDITIONS, conditionLabel, type Task } from '@spineline/shared/domain';
import {
  type Evaluation,
  evaluate,
  type LabelCoordinate,
  type Labels,
  type LocatedStudy,
  mulberry32,
  type Predicted,
  type SliceErrors,
  type SubmissionRow,
} from '@spineline/shared/evaluation';

/** A bound on a figure of an evaluation. */
export interface Requirement {
  readonly what: string;
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
  /** `undefined` if the evaluation has no target for it; the requirement is then missed. */
  readonly figure: (evaluation: Evaluation) => number | undefined;
  /** Whether the figure is about slices or points, and so depends on the places of the labels. */
  readonly ofPlaces?: boolean;
  /** A remark on the figure: what it was counted over, what it is compared with. */
  readonly note?: (evaluation: Evaluation) => string;
}

const rate =
  (task: Task, of: (slices: SliceErrors) => number) =>
  ({ location }: Evaluation): number | undefined => {
    const slices = location?.[task].slices;
    return slices && slices.compared > 0 ? of(slices) / slices.compared : undefined;
  };

/** Rates of slice errors of 3 or more, of the ensemble and of each member. */
function misses({ location }: Evaluation, task: Task) {
  const { slices, members } = location?.[task] ?? { slices: undefined, members: [] };
  const share = (one: SliceErrors) => one.offBy3OrMore / one.compared;
  return {
    ensemble: slices && slices.compared > 0 ? share(slices) : undefined,
    members: members.filter(({ compared }) => compared > 0).map((one) => ({ member: one.member, rate: share(one) })),
  };
}

function slicesNote(task: Task) {
  return ({ location }: Evaluation) => {
    if (!location) return 'no coordinates';
    const { slices, notCompared } = location[task];
    const { studyNotScored, seriesNotUsed, targetNotPlaced, sliceNotListed } = notCompared;
    const leftOut = studyNotScored + seriesNotUsed + sliceNotListed;
    return [
      `${slices.compared} labels`,
      slices.otherSeries > 0 && `${slices.otherSeries} of them in another series`,
      targetNotPlaced > 0 && `${targetNotPlaced} more not placed`,
      leftOut > 0 && `${leftOut} left out`,
    ]
      .filter(Boolean)
      .join(', ');
  };
}

function sliceRequirements(task: Task, name: string, exact: number, within1: number): Requirement[] {
  return [
    {
      what: `${name}: exact`,
      bound: 'at least',
      limit: exact,
      figure: rate(task, (slices) => slices.exact),
      ofPlaces: true,
      note: slicesNote(task),
    },
    {
      what: `${name}: within 1`,
      bound: 'at least',
      limit: within1,
      figure: rate(task, (slices) => slices.exact + slices.offBy1),
      ofPlaces: true,
    },
  ];
}

function noWorseThanItsHeads(task: Task, name: string): Requirement {
  return {
    what: `${name}: rate of 3 slices or more, ensemble minus the better head`,
    bound: 'at most',
    limit: 0,
    figure: (evaluation) => {
      const { ensemble, members } = misses(evaluation, task);
      return ensemble === undefined || members.length === 0
        ? undefined
        : ensemble - Math.min(...members.map((member) => member.rate));
    },
    note: (evaluation) => {
      const { ensemble, members } = misses(evaluation, task);
      const heads = members.map((member) => `${member.member} ${member.rate.toFixed(4)}`);
      return [`ensemble ${ensemble?.toFixed(4) ?? '-'}`, ...heads].join(', ');
    },
  };
}

function pointRequirements(task: Task, name: string): Requirement[] {
  const pixels = ({ location }: Evaluation) => location?.[task].pixels.in512;
  return [
    {
      what: `XY ${name}: median, px at 512`,
      bound: 'at most',
      limit: 3,
      figure: (evaluation) => pixels(evaluation)?.median,
      ofPlaces: true,
      note: (evaluation) => `${pixels(evaluation)?.count ?? 0} labels, mean ${pixels(evaluation)?.mean.toFixed(2)}`,
    },
    {
      what: `XY ${name}: 95th percentile, px at 512`,
      bound: 'at most',
      limit: 12,
      figure: (evaluation) => pixels(evaluation)?.p95,
      ofPlaces: true,
    },
  ];
}

const losses =
  (part: 'score' | 'spinal' | 'foraminal' | 'subarticular') =>
  ({ metric, baseline }: Evaluation) =>
    `${metric[part]?.toFixed(4) ?? '-'} / ${baseline[part]?.toFixed(4) ?? '-'}`;

/** What the demo models must reach on phantoms that were not used to train or choose them. */
export const REQUIREMENTS: readonly Requirement[] = [
  ...sliceRequirements('scs', 'Stage 1 SCS, ensemble', 0.8, 0.99),
  {
    what: 'Stage 1 SCS, ensemble: 3 slices or more',
    bound: 'at most',
    limit: 0.003,
    figure: rate('scs', (slices) => slices.offBy3OrMore),
    ofPlaces: true,
  },
  ...sliceRequirements('nfn', 'Stage 1 NFN, ensemble', 0.75, 0.985),
  noWorseThanItsHeads('scs', 'Stage 1 SCS'),
  noWorseThanItsHeads('nfn', 'Stage 1 NFN'),
  ...sliceRequirements('ss', 'Axial slice for SS', 0.85, 0.99),
  ...pointRequirements('scs', 'SCS'),
  ...pointRequirements('nfn', 'NFN'),
  ...pointRequirements('ss', 'SS'),
  {
    what: 'Challenge metric, divided by its baseline',
    bound: 'at most',
    limit: 0.4,
    figure: ({ ratio }) => ratio.score,
    note: losses('score'),
  },
  ...(['spinal', 'foraminal', 'subarticular'] as const).map((part): Requirement => ({
    what: `Weighted log loss, ${part}, divided by its baseline`,
    bound: 'at most',
    limit: 0.5,
    figure: ({ ratio }) => ratio[part],
    note: losses(part),
  })),
  ...CONDITIONS.map((condition): Requirement => ({
    what: `Expected calibration error, ${conditionLabel(condition)}`,
    bound: 'at most',
    limit: 0.05,
    figure: ({ calibration }) => calibration[condition].plain?.error,
    note: ({ calibration }) => {
      const { rows, plain, weighted } = calibration[condition];
      return `${rows} targets, right ${plain?.accuracy.toFixed(3)}, confident ${plain?.confidence.toFixed(3)}; with weights 1, 2, 4: ${weighted?.error.toFixed(3)}`;
    },
  })),
];

export interface AccuracyRow {
  readonly what: string;
  readonly bound: Requirement['bound'];
  readonly limit: number;
  readonly figure: number | undefined;
  /** 95 % interval, percentiles of the bootstrap over studies; `undefined` if no resample has the figure. */
  readonly interval: readonly [number, number] | undefined;
  readonly met: boolean;
  /** The figure measured against the exact truth instead of the annotator's labels. */
  readonly againstTruth: number | undefined;
  /** The best figure possible: that of answers at the exact places, from which labels differ by the annotator's scatter. */
  readonly ofTruth: number | undefined;
  readonly note: string;
}

/** The input of an evaluation. */
export interface Evaluated {
  readonly labels: Labels;
  readonly predicted: Predicted;
  readonly coordinates: readonly LabelCoordinate[];
  /** The exact places of the same targets, if known. */
  readonly truth?: readonly LabelCoordinate[];
}

/**
 * Computes the table. For the intervals studies are drawn with replacement, because the targets of a study are not
 * independent. The whole evaluation is repeated on each such dataset, including class shares.
 *
 * @param options.resamples number of datasets drawn; with 1,000 the ends are accurate to a tenth of the width.
 * @param options.seed the same seed gives the same intervals.
 */
export function accuracyRows(
  evaluated: Evaluated,
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
  requirements: readonly Requirement[] = REQUIREMENTS,
): AccuracyRow[] {
  const { labels, predicted, coordinates, truth } = evaluated;
  const evaluation = evaluate(labels, predicted, coordinates);
  const againstTruth = truth && evaluate(labels, predicted, truth);
  const ofTruth = truth && evaluate(labels, { ...predicted, located: placedAt(truth, predicted.located) }, coordinates);
  const drawn = requirements.map((): number[] => []);
  for (const resample of bootstrap(evaluated, resamples, seed)) {
    const again = evaluate(resample.labels, resample.predicted, resample.coordinates);
    for (const [i, { figure }] of requirements.entries()) {
      const value = figure(again);
      if (value !== undefined) drawn[i]!.push(value);
    }
  }
  return requirements.map(({ what, bound, limit, figure, ofPlaces, note }, i) => {
    const value = figure(evaluation);
    return {
      what,
      bound,
      limit,
      figure: value,
      interval: intervalOf(drawn[i]!),
      met: value !== undefined && (bound === 'at least' ? value >= limit : value <= limit),
      // Figures that do not depend on the places of the labels would be the same.
      againstTruth: ofPlaces && againstTruth ? figure(againstTruth) : undefined,
      ofTruth: ofPlaces && ofTruth ? figure(ofTruth) : undefined,
      note: note?.(evaluation) ?? '',
    };
  });
}

/** Results with every target at its exact place. */
function placedAt(truth: readonly LabelCoordinate[], located: readonly LocatedStudy[] = []): LocatedStudy[] {
  const places = Map.groupBy(truth, ({ study }) => study);
  return located.map(({ study, series }) => ({
    study,
    series,
    targets: (places.get(study) ?? []).map((place) => ({
      name: place.target.name,
      [place.target.task === 'ss' ? 'axial' : 'slice']: place,
    })),
  }));
}

/** Datasets of the same size, drawn with replacement from the labelled studies; each draw counts as its own study. */
function* bootstrap({ labels, predicted, coordinates }: Evaluated, resamples: number, seed: number) {
  const rows = Map.groupBy(predicted.rows, ({ study }) => study);
  const located = new Map(predicted.located?.map((one) => [one.study, one]));
  const points = Map.groupBy(coordinates, ({ study }) => study);
  const ids = [...labels.keys()];
  const random = mulberry32(seed);
  for (let sample = 0; sample < resamples; sample++) {
    const drawn = ids.map((_, i) => ({ id: ids[Math.floor(random() * ids.length)]!, study: String(i) }));
    const renamed = <One extends { readonly study: string }>(of: (id: string) => readonly One[]) =>
      drawn.flatMap(({ id, study }) => of(id).map((one) => ({ ...one, study })));
    yield {
      labels: new Map(drawn.map(({ id, study }) => [study, labels.get(id)!])),
      predicted: {
        rows: renamed<SubmissionRow>((id) => rows.get(id) ?? []),
        located: predicted.located && renamed<LocatedStudy>((id) => (located.has(id) ? [located.get(id)!] : [])),
      },
      coordinates: renamed<LabelCoordinate>((id) => points.get(id) ?? []),
    };
  }
}

function intervalOf(values: number[]): [number, number] | undefined {
  if (values.length === 0) return undefined;
  values.sort((a, b) => a - b);
  const at = (share: number) => values[Math.round(share * (values.length - 1))]!;
  return [at(0.025), at(0.975)];
}

/** Cells of the table, for the terminal and for Markdown. */
export const ACCURACY_HEADER = [
  ...['what', 'required', 'reached', '95 % interval', 'met'],
  ...['against truth', 'of truth', 'note'],
] as const;
export function accuracyCells(row: AccuracyRow): string[] {
  const { what, bound, limit, figure, interval, met, againstTruth, ofTruth, note } = row;
  const number = (value: number | undefined) => value?.toFixed(limit >= 1 ? 2 : 4) ?? '-';
  return [
    what,
    `${bound} ${limit}`,
    number(figure),
    interval ? `${number(interval[0])} to ${number(interval[1])}` : '-',
    met ? 'met' : 'MISSED',
    number(againstTruth),
    number(ofTruth),
    note,
  ];
}

/** The table as Markdown. @param head paragraphs that say what was scored. */
export function accuracyMarkdown(rows: readonly AccuracyRow[], head: readonly string[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const table = [
    line(ACCURACY_HEADER),
    line(ACCURACY_HEADER.map(() => '---')),
    ...rows.map((row) => line(accuracyCells(row))),
  ];
  return `${['# Accuracy on phantoms', ...head, table.join('\n')].join('\n\n')}\n`;
}
