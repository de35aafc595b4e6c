import { describe, expect, it } from 'vitest';
import { type Severity, TARGETS } from '../domain/index.ts';
import { challengeMetric, classShareBaseline } from '../evaluation/challenge-metric.ts';
import type { Probabilities } from '../evaluation/submission.ts';
import { labelsOf, rowsOf } from './support/evaluation-tables.ts';

describe('the metric of the challenge, worked by hand', () => {
  it('is the mean of four losses, each row weighted 1, 2 or 4', () => {
    const labels = labelsOf({
      A: {
        spinal_canal_stenosis_l1_l2: 'normal_mild',
        spinal_canal_stenosis_l2_l3: 'moderate',
        left_neural_foraminal_narrowing_l1_l2: 'normal_mild',
        right_neural_foraminal_narrowing_l1_l2: 'moderate',
      },
      B: {
        spinal_canal_stenosis_l1_l2: 'severe',
        spinal_canal_stenosis_l2_l3: 'normal_mild',
        left_neural_foraminal_narrowing_l5_s1: 'severe',
        left_subarticular_stenosis_l1_l2: 'moderate',
      },
    });
    const metric = challengeMetric(
      labels,
      rowsOf({
        A: {
          spinal_canal_stenosis_l1_l2: [0.8, 0.1, 0.1],
          spinal_canal_stenosis_l2_l3: [0.3, 0.4, 0.3],
          left_neural_foraminal_narrowing_l1_l2: [0.5, 0.25, 0.25],
          right_neural_foraminal_narrowing_l1_l2: [0.25, 0.5, 0.25],
        },
        B: {
          spinal_canal_stenosis_l1_l2: [0.25, 0.25, 0.5],
          spinal_canal_stenosis_l2_l3: [0.2, 0.2, 0.6],
          left_neural_foraminal_narrowing_l5_s1: [0.6, 0.3, 0.1],
          left_subarticular_stenosis_l1_l2: [0, 0.25, 0.75],
        },
      }),
    );
    // spinal: (1 * -ln 0.8 + 2 * -ln 0.4 + 4 * -ln 0.5 + 1 * -ln 0.2) / 8
    //       = (0.223144 + 2 * 0.916291 + 4 * 0.693147 + 1.609438) / 8 = 6.437752 / 8
    expect(metric.spinal).toBeCloseTo(0.804719, 6);
    // foraminal: (1 * -ln 0.5 + 2 * -ln 0.5 + 4 * -ln 0.1) / 7 = (3 * 0.693147 + 4 * 2.302585) / 7 = 11.289781 / 7
    expect(metric.foraminal).toBeCloseTo(1.612826, 6);
    // subarticular: one row, so its weight cancels: -ln 0.25
    expect(metric.subarticular).toBeCloseTo(1.386294, 6);
    // any severe: A is not, P = max(0.1, 0.3) = 0.3, weight max(1, 2) = 2; B is, P = max(0.5, 0.6) = 0.6, weight 4
    //           = (2 * -ln 0.7 + 4 * -ln 0.6) / 6 = (2 * 0.356675 + 4 * 0.510826) / 6 = 2.756652 / 6
    expect(metric.anySevereSpinal).toBeCloseTo(0.459442, 6);
    // (0.804719 + 1.612826 + 1.386294 + 0.459442) / 4
    expect(metric.score).toBeCloseTo(1.06582, 5);
    expect(metric.complete).toBe(true);
    expect(metric.counts).toEqual({
      studies: 2,
      rows: { spinal: 4, foraminal: 3, subarticular: 1, anySevereSpinal: 2 },
      blankLabels: 42,
      missingPredictions: 0,
      studiesNotPredicted: 0,
      studiesNotLabelled: 0,
    });
  });

  const spinal = (label: Severity, probabilities: Probabilities) =>
    challengeMetric(
      labelsOf({ A: { spinal_canal_stenosis_l1_l2: label } }),
      rowsOf({ A: { spinal_canal_stenosis_l1_l2: probabilities } }),
    );

  it('clips at the float64 epsilon: an impossible truth costs 36.04, a certain one nothing', () => {
    // -ln(2^-52) = 52 ln 2 = 36.043653
    expect(spinal('severe', [1, 0, 0]).spinal).toBeCloseTo(36.043653, 6);
    expect(spinal('severe', [1, 0, 0]).anySevereSpinal).toBeCloseTo(36.043653, 6);
    expect(spinal('severe', [0, 0, 1]).spinal).toBeCloseTo(0, 12);
    expect(spinal('normal_mild', [1, 0, 0]).anySevereSpinal).toBeCloseTo(0, 12);
  });

  it('scales rows to sum to 1 after clipping', () => {
    // 0.5 / (0.5 + 0.25 + 0.5) = 0.4; -ln 0.4
    expect(spinal('severe', [0.5, 0.25, 0.5]).spinal).toBeCloseTo(0.916291, 6);
  });

  it('leaves blank labels and parts without labels out, and says that it is not complete', () => {
    // Only spinal and any severe are there: (-ln 0.8 + -ln(1 - 0.1)) / 2 = (0.223144 + 0.105361) / 2
    const metric = spinal('normal_mild', [0.8, 0.1, 0.1]);
    expect(metric.score).toBeCloseTo(0.164252, 6);
    expect([metric.foraminal, metric.subarticular, metric.complete]).toEqual([undefined, undefined, false]);
    expect(metric.counts.blankLabels).toBe(24);
  });

  it('takes any severe over labelled spinal rows only', () => {
    const metric = challengeMetric(
      labelsOf({ A: { spinal_canal_stenosis_l1_l2: 'normal_mild' } }),
      rowsOf({ A: { spinal_canal_stenosis_l1_l2: [0.8, 0.1, 0.1], spinal_canal_stenosis_l2_l3: [0, 0, 1] } }),
    );
    expect(metric.anySevereSpinal).toBeCloseTo(0.105361, 6);
  });

  it('leaves out studies that only one side has, and counts them', () => {
    const severe = { spinal_canal_stenosis_l1_l2: 'severe' as const };
    const half = { spinal_canal_stenosis_l1_l2: [0.25, 0.25, 0.5] as const };
    const metric = challengeMetric(labelsOf({ A: severe, B: severe, C: severe }), rowsOf({ A: half, D: half }));
    expect(metric.spinal).toBeCloseTo(Math.LN2, 12);
    expect(metric.counts).toMatchObject({ studies: 1, studiesNotPredicted: 2, studiesNotLabelled: 1 });
    const nothing = challengeMetric(labelsOf({ A: severe }), []);
    expect([nothing.score, nothing.complete, nothing.counts.studiesNotPredicted]).toEqual([undefined, false, 1]);
  });

  it('refuses missing predictions unless told, and then says how many', () => {
    const labels = labelsOf({ A: { spinal_canal_stenosis_l1_l2: 'severe', spinal_canal_stenosis_l2_l3: 'severe' } });
    const rows = rowsOf({ A: { spinal_canal_stenosis_l1_l2: [0.25, 0.25, 0.5] } });
    expect(() => challengeMetric(labels, rows)).toThrow(
      'no prediction for 1 labelled targets of predicted studies: A spinal_canal_stenosis_l2_l3',
    );
    const metric = challengeMetric(labels, rows, { allowMissing: true });
    expect(metric.spinal).toBeCloseTo(Math.LN2, 12);
    expect([metric.complete, metric.counts.missingPredictions]).toEqual([false, 1]);
  });

  it('refuses numbers that are no probabilities, and a target twice', () => {
    expect(() => spinal('severe', [Number.NaN, 0, 1])).toThrow(RangeError);
    expect(() => spinal('severe', [-0.1, 0.1, 1])).toThrow(RangeError);
    const twice = rowsOf({ A: { spinal_canal_stenosis_l1_l2: [0, 0, 1] } });
    expect(() => challengeMetric(labelsOf({ A: {} }), [...twice, ...twice])).toThrow('predicted twice');
  });
});

describe('the class-share baseline', () => {
  const labels = labelsOf({
    A: { spinal_canal_stenosis_l1_l2: 'normal_mild', spinal_canal_stenosis_l2_l3: 'severe' },
    B: { spinal_canal_stenosis_l1_l2: 'normal_mild', spinal_canal_stenosis_l2_l3: 'normal_mild' },
  });

  it('answers each target with its own shares', () => {
    const { spinal, anySevereSpinal } = classShareBaseline(labels);
    // L1/L2 is always normal: no loss. L2/L3 is half and half: (4 ln 2 + 1 ln 2) / (1 + 1 + 4 + 1)
    expect(spinal).toBeCloseTo((5 * Math.LN2) / 7, 12);
    // P = max(0, 0.5) for both: all ln 2
    expect(anySevereSpinal).toBeCloseTo(Math.LN2, 12);
  });

  it('can pool the levels of a task, and weight the shares as the metric does', () => {
    // Shares 3/4 and 1/4: (3 * -ln 0.75 + 4 * -ln 0.25) / 7 = (0.863046 + 5.545177) / 7
    expect(classShareBaseline(labels, { by: 'task' }).spinal).toBeCloseTo(0.915461, 6);
    // Weighted shares 3/7 and 4/7: (3 * -ln(3/7) + 4 * -ln(4/7)) / 7 = (2.541894 + 2.238463) / 7
    expect(classShareBaseline(labels, { by: 'task', weighted: true }).spinal).toBeCloseTo(0.682908, 6);
  });

  it('costs nothing where all labels are of one class', () => {
    const all = Object.fromEntries(TARGETS.map(({ name }) => [name, 'moderate' as const]));
    const metric = classShareBaseline(labelsOf({ A: all, B: all }));
    expect(metric.score).toBeCloseTo(0, 12);
    expect(metric.complete).toBe(true);
  });
});
