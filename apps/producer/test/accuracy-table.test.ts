/** The table of `npm run accuracy`, made of results that were never computed: what is met, missed and how sure. */

import { type Severity, TARGETS } from '@spineline/shared/domain';
import type { LabelCoordinate, LocatedStudy, SubmissionRow } from '@spineline/shared/evaluation';
import { describe, expect, it } from 'vitest';
import {
  type AccuracyRow,
  accuracyMarkdown,
  accuracyRows,
  type Evaluated,
  REQUIREMENTS,
} from '../../../bench/accuracy-table.ts';

const OPTIONS = { resamples: 40, seed: 3 };
const GRADES: readonly Severity[] = ['normal_mild', 'normal_mild', 'moderate', 'severe'];

interface Fault {
  /** Studies whose ensemble is off by this many slices, every target. */
  readonly slices?: (study: number) => number;
  /** The `reg` member alone. */
  readonly reg?: (study: number) => number;
  /** Probability that is given to the right grade. */
  readonly right?: number;
  readonly pixels?: number;
}

/** Eight studies with every target labelled at slice 5, point (100, 100), found as the faults say. */
function evaluated({ slices = () => 0, reg = () => 0, right = 0.98, pixels = 0 }: Fault): Evaluated {
  const [labels, rows, located, coordinates] = [
    new Map<string, Map<string, Severity>>(),
    [] as SubmissionRow[],
    [] as LocatedStudy[],
    [] as LabelCoordinate[],
  ];
  for (let number = 0; number < 8; number++) {
    const study = `study ${number}`;
    labels.set(study, new Map());
    const place = (series: string) => ({ series, instance: 5 + slices(number), x: 100 + pixels, y: 100 });
    const instances = Array.from({ length: 20 }, (_, i) => i);
    located.push({
      study,
      series: ['sag', 'ax'].map((series) => ({ series, used: true, instances, rows: 512, columns: 512 })),
      targets: TARGETS.map(({ name, task }) => ({
        name,
        ...(task !== 'ss' && { slice: place('sag') }),
        axial: place('ax'),
        members: [
          { member: 'cls', instance: 5 },
          { member: 'reg', instance: 5 + reg(number) },
        ],
      })),
    });
    for (const [i, target] of TARGETS.entries()) {
      const severity = GRADES[(number + i) % GRADES.length]!;
      labels.get(study)!.set(target.name, severity);
      const of = (grade: Severity) => (grade === severity ? right : (1 - right) / 2);
      rows.push({ study, target, probabilities: [of('normal_mild'), of('moderate'), of('severe')] });
      const series = target.task === 'ss' ? 'ax' : 'sag';
      coordinates.push({ study, series, instance: 5, target, x: 100, y: 100 });
    }
  }
  return { labels, predicted: { rows, located }, coordinates };
}

const missed = (rows: readonly AccuracyRow[]) => rows.filter((row) => !row.met).map(({ what }) => what);
const rowOf = (rows: readonly AccuracyRow[], what: string) => rows.find((row) => row.what === what)!;

describe('the table of accuracy', () => {
  it('has every requirement once, and all are met by good results', () => {
    const rows = accuracyRows(evaluated({}), OPTIONS);
    expect(missed(rows)).toEqual([]);
    expect(rows).toHaveLength(REQUIREMENTS.length);
    expect(new Set(rows.map(({ what }) => what)).size).toBe(rows.length);
    expect(rows.map(({ bound, limit }) => `${bound} ${limit}`)).toEqual([
      ...['at least 0.8', 'at least 0.99', 'at most 0.003'],
      ...['at least 0.75', 'at least 0.985'],
      ...['at most 0', 'at most 0'],
      ...['at least 0.85', 'at least 0.99'],
      ...['at most 3', 'at most 12', 'at most 3', 'at most 12', 'at most 3', 'at most 12'],
      'at most 0.4',
      ...['at most 0.5', 'at most 0.5', 'at most 0.5'],
      ...Array.from({ length: 5 }, () => 'at most 0.05'),
    ]);
  });

  it('misses on slices, points, grades and calibration, each by itself', () => {
    const slices = accuracyRows(evaluated({ slices: (study) => (study === 0 ? 4 : 0), reg: () => 4 }), OPTIONS);
    expect(missed(slices)).toEqual([
      'Stage 1 SCS, ensemble: within 1',
      'Stage 1 SCS, ensemble: 3 slices or more',
      'Stage 1 NFN, ensemble: within 1',
      // One study of eight off by 4: worse than cls, which never is.
      'Stage 1 SCS: rate of 3 slices or more, ensemble minus the better head',
      'Stage 1 NFN: rate of 3 slices or more, ensemble minus the better head',
      'Axial slice for SS: within 1',
    ]);
    expect(rowOf(slices, 'Stage 1 SCS: rate of 3 slices or more, ensemble minus the better head').note).toBe(
      'ensemble 0.1250, cls 0.0000, reg 1.0000',
    );
    expect(missed(accuracyRows(evaluated({ pixels: 5 }), OPTIONS))).toEqual([
      'XY SCS: median, px at 512',
      'XY NFN: median, px at 512',
      'XY SS: median, px at 512',
    ]);
    // Always right with 60 %: well graded, badly calibrated. -ln 0.6 is half of the baseline.
    const unsure = missed(accuracyRows(evaluated({ right: 0.6 }), OPTIONS));
    expect(unsure.filter((what) => what.startsWith('Expected calibration error'))).toHaveLength(5);
  });

  it('gives intervals over studies: none where all studies agree, the same for the same seed', () => {
    const some = evaluated({ slices: (study) => (study < 2 ? 1 : 0) });
    const rows = accuracyRows(some, OPTIONS);
    const exact = rowOf(rows, 'Stage 1 SCS, ensemble: exact');
    expect(exact.figure).toBe(0.75);
    // Six of eight studies are exact: draws of eight spread by a standard deviation of 0.153.
    expect(exact.interval![0]).toBeGreaterThan(0.3);
    expect(exact.interval![0]).toBeLessThan(0.63);
    expect(exact.interval![1]).toBeGreaterThan(0.87);
    expect(rowOf(rows, 'Stage 1 SCS, ensemble: within 1').interval).toEqual([1, 1]);
    expect(accuracyRows(some, OPTIONS)).toEqual(rows);
    expect(accuracyRows(some, { ...OPTIONS, seed: 4 })).not.toEqual(rows);
  });

  it('misses what there is no figure for', () => {
    const { labels, predicted } = evaluated({});
    const rows = accuracyRows({ labels, predicted, coordinates: [] }, OPTIONS);
    const exact = rowOf(rows, 'Stage 1 SCS, ensemble: exact');
    expect([exact.figure, exact.interval, exact.met]).toEqual([undefined, undefined, false]);
    const submission = { ...predicted, located: undefined };
    expect(missed(accuracyRows({ labels, predicted: submission, coordinates: [] }, OPTIONS))).toHaveLength(15);
  });

  it('says what the same results reach against the exact truth, and the truth against the labels', () => {
    // Found 5 px to the right of the labels; the truth is 1 px to their right and, for one study, a slice on.
    const results = evaluated({ pixels: 5 });
    const truth = results.coordinates.map((one) => ({
      ...one,
      x: one.x + 1,
      instance: one.instance + (one.study === 'study 0' ? 1 : 0),
    }));
    const rows = accuracyRows({ ...results, truth }, OPTIONS);
    const median = rowOf(rows, 'XY NFN: median, px at 512');
    expect([median.figure, median.againstTruth, median.ofTruth]).toEqual([5, 4, 1]);
    const exact = rowOf(rows, 'Axial slice for SS: exact');
    expect([exact.figure, exact.againstTruth, exact.ofTruth]).toEqual([1, 0.875, 0.875]);
    const metric = rowOf(rows, 'Challenge metric, divided by its baseline');
    expect([metric.againstTruth, metric.ofTruth]).toEqual([undefined, undefined]);
  });

  it('is written as Markdown, one line per requirement', () => {
    const rows = accuracyRows(evaluated({ pixels: 5 }), OPTIONS);
    const text = accuracyMarkdown(rows, ['eight studies']);
    expect(text).toContain('# Accuracy on phantoms\n\neight studies\n\n| what | required |');
    expect(text).toContain(
      '| XY SCS: median, px at 512 | at most 3 | 5.00 | 5.00 to 5.00 | MISSED | - | - | 40 labels, mean 5.00 |',
    );
    expect(text.trimEnd().split('\n')).toHaveLength(REQUIREMENTS.length + 6);
  });
});
