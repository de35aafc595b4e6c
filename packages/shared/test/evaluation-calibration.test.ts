import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CONDITIONS, type Condition, SEVERITIES, type Severity, TARGETS, targetOfName } from '../domain/index.ts';
import { calibration, calibrationError } from '../evaluation/calibration.ts';
import { confusion } from '../evaluation/confusion.ts';
import { evaluate, type Labels, type SubmissionRow } from '../evaluation/index.ts';
import { type LabelledRow, labelledRows } from '../evaluation/labelled-rows.ts';
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

const hasNumpy = spawnSync('/usr/bin/python3', ['-c', 'import numpy']).status === 0;

/** Calibration and confusion of each condition in numpy, by histogram and not by row. Reads and writes JSON. */
const NUMPY_CALIBRATION = `
import json, sys
import numpy as np

rows = json.load(sys.stdin)
condition = np.array([r[0] for r in rows])
label = np.array([r[1] for r in rows])
p = np.array([r[2] for r in rows])
top, confidence = p.argmax(1), p.max(1)

def ece(i, w):
    edges = np.linspace(0, 1, 16)
    which = np.digitize(confidence[i], edges[1:-1], right=True)
    n = np.bincount(which, w, 15)
    acc = np.bincount(which, w * (top[i] == label[i]), 15)
    conf = np.bincount(which, w * confidence[i], 15)
    full = n > 0
    gaps = np.abs(acc[full] / n[full] - conf[full] / n[full])
    return float(np.average(gaps, weights=n[full]))

answer = {}
for name in sorted(set(condition)):
    i = condition == name
    table = np.zeros((3, 3), int)
    np.add.at(table, (label[i], top[i]), 1)
    weights = np.array([1.0, 2.0, 4.0])[label[i]]
    answer[name] = [ece(i, np.ones(i.sum())), ece(i, weights), table.tolist()]
print(json.dumps(answer))
`;

describe.skipIf(!hasNumpy)('against numpy (skipped where /usr/bin/python3 has none)', () => {
  it('agrees on 80 studies with blank labels', () => {
    let seed = 0;
    const random = () => {
      seed += 1;
      const value = Math.sin(seed * 12.9898) * 43758.5453;
      return value - Math.floor(value);
    };
    const labels = new Map<string, Map<string, Severity | undefined>>();
    const rows: SubmissionRow[] = [];
    for (let n = 0; n < 80; n++) {
      const study = `study_${n}`;
      labels.set(study, new Map());
      for (const target of TARGETS) {
        const logits = [0, 1, 2].map(() => Math.exp(4 * random()));
        const sum = logits.reduce((a, b) => a + b, 0);
        const probabilities: Probabilities = [logits[0]! / sum, logits[1]! / sum, logits[2]! / sum];
        rows.push({ study, target, probabilities });
        labels.get(study)!.set(target.name, random() < 0.1 ? undefined : SEVERITIES[Math.floor(3 * random())]!);
      }
    }
    const labelled = labelledRows(labels, rows);
    const input = JSON.stringify(labelled.map((one) => [one.target.condition, one.label, one.probabilities]));
    const run = spawnSync('/usr/bin/python3', ['-c', NUMPY_CALIBRATION], { input, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    const expected = JSON.parse(run.stdout) as Record<Condition, [number, number, number[][]]>;
    const [calibrations, confusions] = [calibration(labelled), confusion(labelled)];
    for (const condition of CONDITIONS) {
      const [plain, weighted, table] = expected[condition];
      expect(calibrations[condition].plain!.error).toBeCloseTo(plain, 12);
      expect(calibrations[condition].weighted!.error).toBeCloseTo(weighted, 12);
      expect(confusions[condition]).toEqual(table);
    }
  });
});
