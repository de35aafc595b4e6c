/** The metric of the challenge, calibration and confusion against numpy. */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CONDITIONS, type Condition, SEVERITIES, type Severity, TARGETS } from '../domain/index.ts';
import { calibration } from '../evaluation/calibration.ts';
import { challengeMetric } from '../evaluation/challenge-metric.ts';
import { confusion } from '../evaluation/confusion.ts';
import type { SubmissionRow } from '../evaluation/index.ts';
import { labelledRows } from '../evaluation/labelled-rows.ts';
import type { Probabilities } from '../evaluation/submission.ts';
import { labelsOf, rowsOf, type Table } from './support/evaluation-tables.ts';
import { pythonWith } from './support/python-with.ts';

const python = pythonWith('numpy');

/** The challenge's metric over `sklearn.metrics.log_loss`'s formula, in numpy. Reads and writes JSON. */
const NUMPY_METRIC = `
import json, sys
import numpy as np

def log_loss(onehot, p, w):
    p = np.asarray(p, dtype=np.float64)
    eps = np.finfo(p.dtype).eps
    p = np.clip(p, eps, 1 - eps)
    if p.ndim == 1:
        p = np.stack([1 - p, p], axis=1)
    p = p / p.sum(axis=1)[:, None]
    return float(np.average(-(onehot * np.log(p)).sum(axis=1), weights=w))

rows = json.load(sys.stdin)
study = np.array([r[0] for r in rows])
name = np.array([r[1] for r in rows])
label = np.array([r[2] for r in rows])
p = np.array([r[3] for r in rows])
weight = np.array([1, 2, 4])[label]
parts = []
for word in ('spinal', 'foraminal', 'subarticular'):
    i = np.array([word in n for n in name])
    parts.append(log_loss(np.eye(3)[label[i]], p[i], weight[i]))
i = np.array(['spinal' in n for n in name])
studies = sorted(set(study[i]))
pick = lambda values: np.array([values[i & (study == s)].max() for s in studies])
severe = pick((label == 2).astype(int))
parts.append(log_loss(np.eye(2)[severe], pick(p[:, 2]), pick(weight)))
print(json.dumps([float(np.mean(parts))] + parts))
`;

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

describe.skipIf(!python)('against numpy (skipped where no Python has it)', () => {
  it('the metric agrees on 60 studies with blank labels, zeros and ones among the predictions', () => {
    const random = (seed: number) => {
      const value = Math.sin(seed * 12.9898) * 43758.5453;
      return value - Math.floor(value);
    };
    let seed = 0;
    const labels: Table<Severity> = {};
    const predictions: Table<Probabilities> = {};
    const rows: [string, string, number, Probabilities][] = [];
    for (let n = 0; n < 60; n++) {
      const study = `study_${n}`;
      labels[study] = {};
      predictions[study] = {};
      for (const { name } of TARGETS) {
        const logits = [0, 1, 2].map(() => Math.exp(8 * random(++seed)));
        const sum = logits.reduce((a, b) => a + b, 0);
        const probabilities: Probabilities =
          random(++seed) < 0.02 ? [1, 0, 0] : [logits[0]! / sum, logits[1]! / sum, logits[2]! / sum];
        predictions[study][name] = probabilities;
        if (random(++seed) < 0.1) continue;
        const label = random(++seed) < 0.7 ? 0 : random(++seed) < 0.6 ? 1 : 2;
        labels[study][name] = SEVERITIES[label]!;
        rows.push([study, name, label, probabilities]);
      }
    }
    const run = spawnSync(python!, ['-c', NUMPY_METRIC], { input: JSON.stringify(rows), encoding: 'utf8' });
    expect(run.stderr).toBe('');
    const expected = JSON.parse(run.stdout) as number[];
    const metric = challengeMetric(labelsOf(labels), rowsOf(predictions));
    const found = [metric.score, metric.spinal, metric.foraminal, metric.subarticular, metric.anySevereSpinal];
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 11);
    expect(metric.complete).toBe(true);
  });

  it('calibration and confusion agree on 80 studies with blank labels', () => {
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
    const run = spawnSync(python!, ['-c', NUMPY_CALIBRATION], { input, encoding: 'utf8' });
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
