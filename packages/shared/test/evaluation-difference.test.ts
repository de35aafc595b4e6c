import { describe, expect, it } from 'vitest';
import { CONDITIONS, SEVERITIES, type Severity, TARGETS, TASKS, type Target } from '../domain/index.ts';
import { challengeMetric } from '../evaluation/challenge-metric.ts';
import { compareRuns, type Labels, METRIC_FIGURES, MOVE_EDGES, mulberry32 } from '../evaluation/index.ts';
import type { FoundPlace } from '../evaluation/location-errors.ts';
import { type Interval, percentileInterval, resampledRatios } from '../evaluation/paired-bootstrap.ts';
import type { ScoredStudy } from '../evaluation/run-difference.ts';
import { studyPairs } from '../evaluation/study-pairs.ts';
import type { Probabilities } from '../evaluation/submission.ts';

const SPINAL = 'spinal_canal_stenosis_l1_l2';
const FORAMINAL = 'left_neural_foraminal_narrowing_l4_l5';
const SUBARTICULAR = 'right_subarticular_stenosis_l5_s1';

interface Change {
  readonly severities?: Probabilities;
  readonly slice?: FoundPlace | null;
  readonly axial?: FoundPlace | null;
}

const at = (instance: number, x = 10, y = 10, series = 't2'): FoundPlace => ({ series, instance, x, y });

/** A result in which all targets are alike but those that `changes` names. */
function result(study: string, changes: Readonly<Record<string, Change>> = {}): ScoredStudy {
  const alike = { severities: [0.7, 0.2, 0.1] as const, slice: at(5), axial: at(5, 10, 10, 'ax') };
  // Instance numbers run against the order; 256 x 128 px.
  const size = { used: true, rows: 128, columns: 256, instances: [9, 8, 7, 6, 5, 4, 3, 2, 1] };
  return {
    study,
    targets: TARGETS.map(({ name }) => ({ name, ...alike, ...changes[name] })),
    series: ['t2', 'other', 'ax'].map((series) => ({ series, ...size })),
  };
}

async function* stream<Item>(...items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const one of items) all.push(one);
  return all;
}

describe('two streams of studies', () => {
  const studies = (...ids: string[]) => stream(...ids.map((study) => ({ study })));
  const pairs = async (a: string[], b: string[]) =>
    (await collect(studyPairs(studies(...a), studies(...b)))).map(([one, other]) => [one?.study, other?.study]);

  it('are merged in natural order, every study once', async () => {
    expect(await pairs(['2', '9', '10', '30'], ['1', '9', '30', '100'])).toEqual([
      [undefined, '1'],
      ['2', undefined],
      ['9', '9'],
      ['10', undefined],
      ['30', '30'],
      [undefined, '100'],
    ]);
    expect(await pairs([], ['1'])).toEqual([[undefined, '1']]);
    expect(await pairs([], [])).toEqual([]);
  });

  it('are refused in another order, which would pair nothing', async () => {
    await expect(pairs(['10', '9'], ['9', '10'])).rejects.toThrow('study 9 comes after 10');
    await expect(pairs(['1', '1'], ['1'])).rejects.toThrow('study 1 comes after 1');
  });

  it('are both closed when the reader stops', async () => {
    const closed: string[] = [];
    async function* endless(name: string) {
      try {
        for (let i = 1; ; i++) yield { study: String(i) };
      } finally {
        closed.push(name);
      }
    }
    for await (const _ of studyPairs(endless('a'), endless('b'))) break;
    expect(closed.sort()).toEqual(['a', 'b']);
  });

  it('hand on an error of either', async () => {
    async function* broken(): AsyncGenerator<{ study: string }> {
      yield { study: '1' };
      throw new Error('the store is gone');
    }
    await expect(collect(studyPairs(studies('1', '2'), broken()))).rejects.toThrow('the store is gone');
  });
});

describe('the grades of two runs', () => {
  it('are counted as transitions that add up to 25 targets a compared study', async () => {
    const { grades, studies } = await compareRuns(
      stream(result('1'), result('2'), result('3')),
      stream(
        result('1', { [SPINAL]: { severities: [0.1, 0.2, 0.7] }, [FORAMINAL]: { severities: [0.3, 0.6, 0.1] } }),
        result('3', { [SPINAL]: { severities: [0.6, 0.3, 0.1] } }),
        result('4'),
      ),
    );
    expect(studies).toEqual({ compared: 2, onlyA: 1, onlyB: 1 });
    const counts = CONDITIONS.flatMap((condition) => grades.conditions[condition].transitions.flat());
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(50);
    expect(grades).toMatchObject({ targets: 50, changedTargets: 2, changedStudies: 1 });
    expect(grades.conditions.spinal_canal_stenosis).toMatchObject({
      targets: 10,
      transitions: [
        [9, 0, 1],
        [0, 0, 0],
        [0, 0, 0],
      ],
      moreSevere: 1,
      lessSevere: 0,
    });
    expect(grades.conditions.left_neural_foraminal_narrowing.transitions[0]).toEqual([9, 1, 0]);
    // Moves of 0.6 and 0.1 among ten.
    expect(grades.conditions.spinal_canal_stenosis.meanMove).toBeCloseTo(0.07, 12);
    expect(grades.conditions.spinal_canal_stenosis.largestMove).toBeCloseTo(0.6, 12);
  });

  it('move by the largest change of any probability, which need not change the grade', async () => {
    const { grades } = await compareRuns(
      stream(result('1', { [SPINAL]: { severities: [0.9, 0.1, 0] }, [FORAMINAL]: { severities: [0.4, 0.35, 0.25] } })),
      stream(
        result('1', { [SPINAL]: { severities: [0.55, 0.25, 0.2] }, [FORAMINAL]: { severities: [0.3, 0.4, 0.3] } }),
      ),
    );
    expect(grades.largest.slice(0, 2).map(({ target, gradeA, gradeB }) => [target, gradeA, gradeB])).toEqual([
      [SPINAL, 'normal_mild', 'normal_mild'],
      [FORAMINAL, 'normal_mild', 'moderate'],
    ]);
    expect(grades.largest[0]!.move).toBeCloseTo(0.35, 12);
    expect(grades.changed.map(({ target }) => target)).toEqual([FORAMINAL]);
  });

  it('go into bins by their move, each as (lower, upper]', async () => {
    const moved = (...moves: number[]) =>
      result('1', Object.fromEntries(moves.map((move, i) => [TARGETS[i]!.name, { severities: [move, 0, 1 - move] }])));
    const { grades } = await compareRuns(stream(moved(0, 0, 0, 0, 0)), stream(moved(0, 0.0005, 0.0009, 0.5, 1)));
    const bin = (edge: (typeof MOVE_EDGES)[number]) => grades.moves[MOVE_EDGES.indexOf(edge)];
    expect([bin(0), bin(0.001), bin(0.5), bin(1)]).toEqual([21, 2, 1, 1]);
    expect(grades.moves.reduce((sum, count) => sum + count, 0)).toBe(25);
  });

  it('are listed up to the number that is asked for, largest first, and counted beyond', async () => {
    const studies = Array.from({ length: 30 }, (_, i) => String(i + 1));
    // Moves of 0.301 up to 0.330, from normal to severe; the largest comes neither first nor last.
    const moveOf = (study: string) => 0.3 + ((Number(study) * 7) % 31) / 1000;
    const severe = (study: string) =>
      result(study, { [SPINAL]: { severities: [0.5 - moveOf(study), 0, 0.5 + moveOf(study)] } });
    const { grades } = await compareRuns(
      stream(...studies.map((study) => result(study, { [SPINAL]: { severities: [0.5, 0, 0.5] } }))),
      stream(...studies.map(severe)),
      { top: 3 },
    );
    expect(grades.changedTargets).toBe(30);
    const largest = studies.toSorted((one, other) => moveOf(other) - moveOf(one)).slice(0, 3);
    expect(grades.changed.map(({ study }) => study)).toEqual(largest);
    expect(grades.largest.map(({ study }) => study)).toEqual(largest);
    const none = await compareRuns(stream(result('1')), stream(severe('1')), { top: 0 });
    expect([none.grades.largest, none.grades.changed]).toEqual([[], []]);
  });
});

describe('the places of two runs', () => {
  const compared = async (a: Readonly<Record<string, Change>>, b: Readonly<Record<string, Change>>) =>
    (await compareRuns(stream(result('1', a)), stream(result('1', b)))).places;

  it('are the sagittal slice of SCS and NFN and the axial slice of SS', async () => {
    const everywhere = Object.fromEntries(TARGETS.map(({ name }) => [name, { slice: at(4) }]));
    const { tasks } = await compared({}, everywhere);
    expect(tasks.scs.slices).toMatchObject({ same: 0, movedBy1: 5 });
    expect(tasks.nfn.slices).toMatchObject({ same: 0, movedBy1: 10 });
    expect(tasks.ss.slices).toMatchObject({ same: 10, movedBy1: 0 });
  });

  it('add up to all targets of a task, whatever became of them', async () => {
    const names = TARGETS.filter(({ task }) => task === 'nfn').map(({ name }) => name);
    const changes = (places: readonly (FoundPlace | null)[]) =>
      Object.fromEntries(places.map((slice, i) => [names[i]!, { slice }]));
    const { tasks, largestSliceMoves } = await compared(
      changes([at(5), at(5), at(5), at(5), at(5), at(5), null, null]),
      changes([at(4), at(7), at(1), at(5, 10, 10, 'other'), at(77), null, at(5), null]),
    );
    expect(tasks.nfn.slices).toEqual({
      same: 2,
      movedBy1: 1,
      movedBy2: 1,
      movedBy3OrMore: 1,
      otherSeries: 1,
      notListed: 1,
      onlyA: 1,
      onlyB: 1,
      neither: 1,
    });
    expect(tasks.nfn.points).toMatchObject({ compared: 2, otherSlice: 5, unmoved: 2 });
    for (const task of TASKS) {
      const { slices, targets } = tasks[task];
      expect(Object.values(slices).reduce((sum, count) => sum + count, 0)).toBe(targets);
    }
    expect(largestSliceMoves.map(({ slices }) => slices)).toEqual([undefined, undefined, 4, 2, 1]);
    expect(largestSliceMoves[0]!.b.series).toBe('other');
  });

  it('measure a point in px of the slice and of 512 x 512, in the same slice only', async () => {
    const { tasks, largestPointMoves } = await compared(
      { [SPINAL]: { slice: at(5, 10, 10) }, [SUBARTICULAR]: { axial: at(5, 10, 10, 'ax') } },
      { [SPINAL]: { slice: at(5, 13, 14) }, [SUBARTICULAR]: { axial: at(4, 90, 90, 'ax') } },
    );
    // 256 columns and 128 rows in 512: 3 px are 6, 4 px are 16.
    const in512 = Math.hypot(6, 16);
    expect(largestPointMoves).toEqual([
      { study: '1', target: SPINAL, a: at(5, 10, 10), b: at(5, 13, 14), original: 5, in512 },
    ]);
    expect(tasks.scs.points).toMatchObject({ compared: 5, otherSlice: 0, unmoved: 4 });
    expect(tasks.scs.points.pixels.original).toMatchObject({ count: 5, mean: 1, median: 0 });
    expect(tasks.scs.points.pixels.in512!.mean).toBeCloseTo(in512 / 5, 12);
    expect(tasks.ss.points).toMatchObject({ compared: 9, otherSlice: 1 });
  });
});

/** Labels and two runs of many studies, some labels blank; run B moves towards the label by `better`. */
function random(studies: number, better: number, seed = 7) {
  const uniform = mulberry32(seed);
  const labels = new Map<string, Map<string, Severity | undefined>>();
  const [a, b]: [ScoredStudy[], ScoredStudy[]] = [[], []];
  for (let n = 1; n <= studies; n++) {
    const study = String(n);
    const severities = new Map<string, Severity | undefined>();
    labels.set(study, severities);
    const [ofA, ofB]: [Record<string, Change>, Record<string, Change>] = [{}, {}];
    for (const { name } of TARGETS) {
      const label = uniform() < 0.7 ? 0 : uniform() < 0.6 ? 1 : 2;
      severities.set(name, uniform() < 0.1 ? undefined : SEVERITIES[label]);
      const logits = SEVERITIES.map((_, i) => 2 * uniform() + (i === label ? 1 : 0));
      ofA[name] = { severities: softmax(logits) };
      ofB[name] = { severities: softmax(logits.map((logit, i) => logit + uniform() + (i === label ? better : 0))) };
    }
    a.push(result(study, ofA));
    b.push(result(study, ofB));
  }
  return { labels: labels as Labels, a, b };
}

function softmax(logits: readonly number[]): Probabilities {
  const [a, b, c] = logits.map(Math.exp);
  const sum = a! + b! + c!;
  return [a! / sum, b! / sum, c! / sum];
}

const rowsOf = (studies: readonly ScoredStudy[]) =>
  studies.flatMap(({ study, targets }) =>
    targets.map(({ name, severities }) => ({ study, target: targetNamed(name), probabilities: severities })),
  );
const targetNamed = (name: string): Target => TARGETS.find((target) => target.name === name)!;

describe('the metric of two runs', () => {
  it('is to the last bit what challengeMetric gives for each, over the studies that both scored', async () => {
    const { labels, a, b } = random(40, 0.3);
    // Labels in another order than the studies, and of some that no run scored.
    const shuffled: Labels = new Map([['unscored', labels.get('1')!], ...[...labels].reverse()]);
    const whole = (await compareRuns(stream(...a), stream(...b), { labels: shuffled, resamples: 10 })).metric!;
    expect(whole.a).toEqual(challengeMetric(shuffled, rowsOf(a)));
    expect(whole.b).toEqual(challengeMetric(shuffled, rowsOf(b)));
    for (const figure of METRIC_FIGURES) expect(whole.difference[figure]).toBe(whole.b[figure]! - whole.a[figure]!);

    const [fewerA, fewerB] = [a.slice(3), b.slice(0, 30)];
    const { metric, studies } = await compareRuns(stream(...fewerA), stream(...fewerB), { labels, resamples: 10 });
    expect(studies).toEqual({ compared: 27, onlyA: 10, onlyB: 3 });
    expect(metric!.a).toEqual(challengeMetric(labels, rowsOf(a.slice(3, 30))));
    expect(metric!.b).toEqual(challengeMetric(labels, rowsOf(b.slice(3, 30))));
  });

  it('leaves studies without labels out, and is refused where none has any', async () => {
    const { labels, a, b } = random(4, 0);
    const few: Labels = new Map([...labels].slice(0, 2));
    const { metric, studies } = await compareRuns(stream(...a), stream(...b), { labels: few, resamples: 10 });
    expect(studies.compared).toBe(4);
    expect(metric!.a.counts).toMatchObject({ studies: 2, studiesNotLabelled: 2, studiesNotPredicted: 0 });
    const none: Labels = new Map([['other', labels.get('1')!]]);
    await expect(compareRuns(stream(...a), stream(...b), { labels: none })).rejects.toThrow('have none in common');
  });

  it('has an interval that holds 0 and no width where the runs are one, and none for a single study', async () => {
    const { labels, a } = random(10, 0);
    const { metric } = await compareRuns(stream(...a), stream(...a), { labels });
    expect(metric!.interval.score).toEqual([0, 0]);
    const single = await compareRuns(stream(a[0]!), stream(a[0]!), { labels });
    expect(single.metric!.difference.score).toBe(0);
    expect(single.metric!.interval.score).toBeUndefined();
  });

  it('has no figure for a part that no study has labels of', async () => {
    const { labels, a, b } = random(6, 0.5);
    const spinalOnly: Labels = new Map(
      [...labels].map(([study, severities]) => [
        study,
        new Map([...severities].map(([name, label]) => [name, name.startsWith('spinal') ? label : undefined])),
      ]),
    );
    const { metric } = await compareRuns(stream(...a), stream(...b), { labels: spinalOnly });
    expect([metric!.difference.foraminal, metric!.interval.foraminal]).toEqual([undefined, undefined]);
    expect(metric!.interval.score![0]).toBeLessThan(metric!.interval.score![1]);
    expect(metric!.b.complete).toBe(false);
  });

  it('gives the same interval for the same seed, and another for another', async () => {
    const { labels, a, b } = random(20, 0.1);
    const score = async (seed: number) =>
      (await compareRuns(stream(...a), stream(...b), { labels, seed, resamples: 200 })).metric!.interval.score;
    expect(await score(3)).toEqual(await score(3));
    expect(await score(4)).not.toEqual(await score(3));
  });
});

/** The larger error of the two ends of an interval, as a share of its expected width. */
function offBy([low, high]: Interval, [expectedLow, expectedHigh]: Interval): number {
  return Math.max(Math.abs(low - expectedLow), Math.abs(high - expectedHigh)) / (expectedHigh - expectedLow);
}

describe('the paired bootstrap', () => {
  it('draws as often as enumerating all resamples says: three studies by hand', () => {
    // Numerators 0, 1, 4 over denominators 1, 1, 2. Of the 27 draws of three studies 1 has only the first: 0 / 3; 1
    // only the second, 3 / 3, and 3 the first twice and the third, 4 / 4; 1 only the third, 12 / 6; 6 each once, 5 / 4.
    const ratios = resampledRatios(Float64Array.of(0, 1, 1, 1, 4, 2), 1, { resamples: 54_000 })[0]!;
    const share = (value: number) => ratios.filter((one) => one === value).length / ratios.length;
    // The standard deviation of a share of 6/27 of 54,000 is 0.0018.
    for (const [value, draws] of [
      [0, 1],
      [1, 4],
      [2, 1],
      [1.25, 6],
    ] as const) {
      expect(Math.abs(share(value) - draws / 27)).toBeLessThan(0.009);
    }
  });

  it('has the ends of the exact distribution for two studies', () => {
    // Means of 0 and 1 drawn twice: 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4; 2.5 % lies in the first, 97.5 % in the
    // last.
    const [ratios] = resampledRatios(Float64Array.of(0, 1, 1, 1), 1);
    expect(percentileInterval(ratios!)).toEqual([0, 1]);
  });

  it('agrees with the normal approximation of a ratio where studies are many', () => {
    const uniform = mulberry32(11);
    const studies = 3000;
    const sums = new Float64Array(2 * studies);
    for (let i = 0; i < studies; i++) {
      const weight = 1 + Math.floor(10 * uniform());
      sums.set([weight * (uniform() + uniform() - 0.9), weight], 2 * i);
    }
    const found = percentileInterval(resampledRatios(sums, 1, { resamples: 4000 })[0]!)!;
    expect(offBy(found, normalInterval(sums))).toBeLessThan(0.05);
  });

  it('covers what it says: about 95 of 100 datasets have the true difference in their interval', () => {
    const uniform = mulberry32(5);
    const datasets = 400;
    let covered = 0;
    for (let dataset = 0; dataset < datasets; dataset++) {
      // Numerators have mean 0.1 times their weight, so that the true ratio is 0.1.
      const sums = new Float64Array(2 * 80);
      for (let i = 0; i < 80; i++) {
        const weight = 1 + Math.floor(4 * uniform());
        sums.set([weight * (0.1 + uniform() - 0.5), weight], 2 * i);
      }
      const [low, high] = percentileInterval(resampledRatios(sums, 1, { resamples: 400, seed: dataset })[0]!)!;
      if (low <= 0.1 && 0.1 <= high) covered += 1;
    }
    // The standard deviation of a share of 0.95 of 400 is 0.011; percentile intervals of 80 studies cover a little
    // less.
    expect(covered / datasets).toBeGreaterThan(0.91);
    expect(covered / datasets).toBeLessThan(0.98);
  });

  it('does not count resamples without a study of the part', () => {
    // Of two studies only the first has the part: a quarter of the resamples is 0 / 0.
    const [ratios] = resampledRatios(Float64Array.of(1, 2, 0, 0), 1, { resamples: 1000 });
    const missing = ratios!.filter(Number.isNaN).length;
    expect(Math.abs(missing / 1000 - 0.25)).toBeLessThan(0.06);
    expect(percentileInterval(ratios!)).toEqual([0.5, 0.5]);
    expect(percentileInterval(Float64Array.of(Number.NaN))).toBeUndefined();
  });

  it('says of two runs what the normal approximation says, part by part', async () => {
    const { labels, a, b } = random(600, 0.05);
    const { metric } = await compareRuns(stream(...a), stream(...b), { labels });
    for (const part of ['spinal', 'foraminal', 'subarticular'] as const) {
      const sums = Float64Array.from(
        a.flatMap((one, i) => {
          const only: Labels = new Map([[one.study, labels.get(one.study)!]]);
          const [ofA, ofB] = [challengeMetric(only, rowsOf([one])), challengeMetric(only, rowsOf([b[i]!]))];
          const weight = weightOf(labels.get(one.study)!, part);
          return [weight === 0 ? 0 : weight * (ofB[part]! - ofA[part]!), weight];
        }),
      );
      expect(offBy(metric!.interval[part]!, normalInterval(sums))).toBeLessThan(0.08);
    }
  });
});

/** Sum of the sample weights of a study's labels in a part. */
function weightOf(severities: ReadonlyMap<string, Severity | undefined>, part: string): number {
  return [...severities]
    .filter(([name]) => name.includes(part))
    .reduce((sum, [, label]) => sum + (label === undefined ? 0 : 2 ** SEVERITIES.indexOf(label)), 0);
}

/**
 * The 95 % interval of a ratio of sums by the delta method: with residuals e = numerator - ratio x denominator, the
 * standard error is the standard deviation of e over (mean denominator x square root of the studies).
 */
function normalInterval(sums: Float64Array): Interval {
  const studies = sums.length / 2;
  const [numerators, denominators] = [0, 1].map((which) => sums.filter((_, i) => i % 2 === which));
  const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
  const ratio = total(numerators!) / total(denominators!);
  const squares = total(numerators!.map((value, i) => (value - ratio * denominators![i]!) ** 2));
  const error = Math.sqrt(squares / studies) / (total(denominators!) / studies) / Math.sqrt(studies);
  return [ratio - 1.959964 * error, ratio + 1.959964 * error];
}

describe('runs that cannot be compared', () => {
  it('have no study in common', async () => {
    await expect(compareRuns(stream(result('1')), stream(result('2')))).rejects.toThrow(
      'the runs have no scored study in common; found 1 and 1 scored studies',
    );
  });

  it('have a result that lacks targets, or numbers that are no probabilities', async () => {
    const { targets, ...rest } = result('1');
    const short = { ...rest, targets: targets.slice(2) };
    await expect(compareRuns(stream(result('1')), stream(short))).rejects.toThrow(
      'study 1: the result lacks 2 targets',
    );
    const odd = result('1', { [SPINAL]: { severities: [Number.NaN, 0, 1] } });
    await expect(compareRuns(stream(odd), stream(result('1')))).rejects.toThrow(RangeError);
  });
});
