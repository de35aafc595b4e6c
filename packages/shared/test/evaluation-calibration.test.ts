import { describe, expect, it } from 'vitest';
import { CONDITIONS, SEVERITIES, type Severity, TARGETS, targetOfName } from '../domain/index.ts';
import { calibration, calibrationError } from '../evaluation/calibration.ts';
import { confusion } from '../evaluation/confusion.ts';
import { evaluate, type Labels, type SubmissionRow } from '../evaluation/index.ts';
import type { LabelledRow } from '../evaluation/labelled-rows.ts';
import type { Probabilities } from '../evaluation/submission.ts';

const SPINAL = targetOfName('spinal_canal_stenosis_l1_l2')!;

const row = (label: number, probabilities: Probabilities, target = SPINAL): LabelledRow => ({
  study: 'A',
  target,
  label,
  probabilities,
});

describe('the expected calibration error, worked by hand', () => {
  it('is the weighted mean over bins of |accuracy - confidence|', () => {
    // Bins of 1/15: 0.75 and 0.78 lie in (11/15, 12/15], 0.95 in (14/15, 1].
    const rows = [row(0, [0.75, 0.15, 0.1]), row(1, [0.78, 0.12, 0.1]), row(2, [0.02, 0.03, 0.95])];
    const { error, accuracy, confidence } = calibrationError(rows)!;
    // First bin: accuracy 1/2, confidence 0.765: 0.265 of two rows; second: 1 against 0.95: 0.05 of one.
    expect(error).toBeCloseTo((2 * 0.265 + 0.05) / 3, 12);
    expect(accuracy).toBeCloseTo(2 / 3, 12);
    expect(confidence).toBeCloseTo((0.75 + 0.78 + 0.95) / 3, 12);
  });

  it('lets over- and underconfidence cancel within a bin, not between bins', () => {
    const within = [row(0, [0.75, 0.15, 0.1]), row(1, [0.75, 0.15, 0.1]), row(0, [0.75, 0.15, 0.1])];
    const fourth = row(0, [0.75, 0.15, 0.1]);
    expect(calibrationError([...within, fourth])!.error).toBeCloseTo(0, 12);
    // 0.75 always right, 0.95 always wrong: 0.25 and 0.95, though the means differ by 0.35 only.
    expect(calibrationError([row(0, [0.75, 0.15, 0.1]), row(0, [0.05, 0.95, 0])])!.error).toBeCloseTo(0.6, 12);
  });

  it('can weight rows by their label, as the metric does', () => {
    const rows = [row(0, [0.75, 0.15, 0.1]), row(2, [0.78, 0.12, 0.1])];
    const found = calibration(rows);
    const scs = found.spinal_canal_stenosis;
    // One bin. Plain: accuracy 1/2, confidence 0.765. Weighted 1 and 4: accuracy 1/5, confidence (0.75 + 4 * 0.78) / 5.
    expect(scs.rows).toBe(2);
    expect(scs.plain!.error).toBeCloseTo(0.265, 12);
    expect(scs.weighted!.error).toBeCloseTo(0.774 - 0.2, 12);
    expect(found.left_subarticular_stenosis).toEqual({ rows: 0, plain: undefined, weighted: undefined });
    expect(Object.keys(found)).toEqual([...CONDITIONS]);
  });

  it('is 0 for certainty that is right, 1 for certainty that is wrong, and undefined without rows', () => {
    expect(calibrationError([row(2, [0, 0, 1])])!.error).toBe(0);
    expect(calibrationError([row(2, [1, 0, 0])])!.error).toBe(1);
    expect(calibrationError([])).toBeUndefined();
  });
});

describe('the confusion table', () => {
  it('counts labels down and most probable grades across, by condition', () => {
    const left = targetOfName('left_subarticular_stenosis_l4_l5')!;
    const tables = confusion([
      row(0, [0.6, 0.3, 0.1]),
      row(0, [0.2, 0.7, 0.1]),
      row(2, [0.2, 0.3, 0.5]),
      row(1, [0.4, 0.2, 0.4]),
      row(1, [0, 0, 1], left),
    ]);
    // Of two equals the first.
    expect(tables.spinal_canal_stenosis).toEqual([
      [1, 1, 0],
      [1, 0, 0],
      [0, 0, 1],
    ]);
    expect(tables.left_subarticular_stenosis).toEqual([
      [0, 0, 0],
      [0, 0, 1],
      [0, 0, 0],
    ]);
  });
});

describe('an evaluation', () => {
  const labels: Labels = new Map(
    ['A', 'B'].map((study, i) => [
      study,
      new Map(TARGETS.map(({ name }, j) => [name, j === 3 ? undefined : SEVERITIES[(i + j) % 3]!] as const)),
    ]),
  );
  const constant = (probabilities: Probabilities): SubmissionRow[] =>
    ['A', 'B', 'unlabelled'].flatMap((study) => TARGETS.map((target) => ({ study, target, probabilities })));

  it('gives each part as a ratio to the class shares', () => {
    const { metric, baseline, ratio } = evaluate(labels, { rows: constant([0.2, 0.3, 0.5]), located: undefined }, []);
    for (const part of ['spinal', 'foraminal', 'subarticular', 'anySevereSpinal', 'score'] as const) {
      expect(ratio[part]).toBeCloseTo(metric[part]! / baseline[part]!, 12);
    }
  });

  it('has no ratio to a baseline that costs nothing', () => {
    const all: Labels = new Map([
      ['A', new Map(TARGETS.map(({ name }) => [name, 'normal_mild' as Severity] as const))],
    ]);
    const { ratio, metric } = evaluate(all, { rows: constant([0.8, 0.1, 0.1]), located: undefined }, undefined);
    expect(metric.score).toBeGreaterThan(0);
    expect(ratio.score).toBeUndefined();
  });

  it('leaves blank labels and unlabelled studies out of calibration and confusion', () => {
    const { calibration: found, location } = evaluate(labels, { rows: constant([1, 0, 0]), located: undefined }, []);
    expect(Object.values(found).reduce((sum, { rows }) => sum + rows, 0)).toBe(48);
    expect(location).toBeUndefined();
  });

  it('refuses predictions of other studies', () => {
    const rows = constant([1, 0, 0]).filter(({ study }) => study === 'unlabelled');
    expect(() => evaluate(labels, { rows, located: undefined }, [])).toThrow('no study in common');
  });
});
