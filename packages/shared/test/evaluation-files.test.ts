import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareNatural } from '../dataset/natural-order.ts';
import { TARGETS } from '../domain/index.ts';
import { readCoordinates, readLabels, readSubmission, type SubmissionRow } from '../evaluation/index.ts';
import { type Probabilities, parseRowId, SUBMISSION_HEADER, submissionLines } from '../evaluation/submission.ts';

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spineline-evaluation-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function csv(...lines: string[]): Promise<string> {
  const path = join(folder, `${++count}.csv`);
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

const NAMES = TARGETS.map(({ name }) => name);
/** 25 cells, by target name; the rest blank. */
const cells = (words: Record<string, string>) => NAMES.map((name) => words[name] ?? '').join(',');
const HEADER = `study_id,${NAMES.join(',')}`;

/** A whole submission as text. */
function writeSubmission(rows: Iterable<SubmissionRow>): string {
  const studies = new Map<string, SubmissionRow[]>();
  for (const row of rows) {
    const ofStudy = studies.get(row.study);
    if (ofStudy) ofStudy.push(row);
    else studies.set(row.study, [row]);
  }
  const sorted = [...studies].sort(([a], [b]) => compareNatural(a, b));
  return SUBMISSION_HEADER + sorted.map(([study, ofStudy]) => submissionLines(study, ofStudy)).join('');
}

describe('train.csv', () => {
  it('gives a severity or none for each target, whatever the order of the columns', async () => {
    const reversed = [...NAMES].reverse();
    const labels = await readLabels(
      await csv(
        `${reversed.join(',')},study_id`,
        `${reversed.map((name) => ({ spinal_canal_stenosis_l5_s1: 'Severe', left_subarticular_stenosis_l1_l2: 'Normal/Mild', right_subarticular_stenosis_l4_l5: 'Moderate' })[name] ?? '').join(',')},4003253`,
      ),
    );
    const study = labels.get('4003253')!;
    expect(study.size).toBe(25);
    expect(study.get('spinal_canal_stenosis_l5_s1')).toBe('severe');
    expect(study.get('left_subarticular_stenosis_l1_l2')).toBe('normal_mild');
    expect(study.get('right_subarticular_stenosis_l4_l5')).toBe('moderate');
    expect(study.get('spinal_canal_stenosis_l1_l2')).toBeUndefined();
  });

  it('with other words, a study twice or columns missing is refused with line numbers', async () => {
    const path = await csv(
      HEADER,
      `1,${cells({})}`,
      `1,${cells({ spinal_canal_stenosis_l1_l2: 'Mild' })}`,
      `,${cells({ spinal_canal_stenosis_l1_l2: 'severe' })}`,
    );
    await expect(readLabels(path)).rejects.toMatchObject({ code: 'LABELS_INVALID' });
    await expect(readLabels(path)).rejects.toThrow('line 3: study 1 appears twice');
    await expect(readLabels(path)).rejects.toThrow('line 3: spinal_canal_stenosis_l1_l2: unknown severity "Mild"');
    await expect(readLabels(path)).rejects.toThrow('line 4: no study_id');
    await expect(readLabels(path)).rejects.toThrow('line 4: spinal_canal_stenosis_l1_l2: unknown severity "severe"');
    await expect(readLabels(await csv('study_id,score', '1,2'))).rejects.toThrow(
      /25 faults.*no column "left_neural_foraminal_narrowing_l1_l2"/s,
    );
  });
});

describe('train_label_coordinates.csv', () => {
  const header = 'study_id,series_id,instance_number,condition,level,x,y';
  it('gives places of targets', async () => {
    const path = await csv(header, '4003253,702807833,8,Right Neural Foraminal Narrowing,L5/S1,322.83,0');
    expect(await readCoordinates(path)).toEqual([
      {
        study: '4003253',
        series: '702807833',
        instance: 8,
        target: TARGETS.find(({ name }) => name === 'right_neural_foraminal_narrowing_l5_s1'),
        x: 322.83,
        y: 0,
      },
    ]);
  });

  it('with unknown words or numbers is refused with line numbers', async () => {
    const path = await csv(
      header,
      '1,1,1,Spinal Stenosis,L1/L2,1,1',
      '1,1,1.5,Spinal Canal Stenosis,L6/S1,1,1',
      '1,1,1,Spinal Canal Stenosis,L1/L2,,nan',
    );
    await expect(readCoordinates(path)).rejects.toThrow(
      /line 2: unknown condition "Spinal Stenosis"\n.*line 3: unknown level "L6\/S1"\n.*line 3: instance_number "1.5" is no whole number\n.*line 4: x or y is no number/,
    );
  });
});

describe('a submission', () => {
  const complete = (study: string, probabilities: Probabilities): SubmissionRow[] =>
    [...TARGETS].reverse().map((target) => ({ study, target, probabilities }));

  it('has 25 rows a study in alphabetical order, the studies in the order of their numbers', () => {
    const text = writeSubmission([...complete('100206310', [1, 0, 0]), ...complete('4003253', [0.2, 0.3, 0.5])]);
    const lines = text.trimEnd().split('\n');
    expect(lines[0]).toBe('row_id,normal_mild,moderate,severe');
    const ids = lines.slice(1).map((line) => line.split(',')[0]!);
    expect(ids).toHaveLength(50);
    expect(ids[0]).toBe('4003253_left_neural_foraminal_narrowing_l1_l2');
    expect(ids[25]).toBe('100206310_left_neural_foraminal_narrowing_l1_l2');
    expect(ids.slice(0, 25)).toEqual(ids.slice(0, 25).toSorted());
    expect(lines[1]).toBe('4003253_left_neural_foraminal_narrowing_l1_l2,0.2,0.3,0.5');
    expect(lines[26]).toBe('100206310_left_neural_foraminal_narrowing_l1_l2,1,0,0');
  });

  it('prints rows that sum to 1 within 1e-6, and keeps small probabilities, also from float32', async () => {
    const rows: SubmissionRow[] = [];
    for (let study = 1; study <= 40; study++) {
      for (const [i, target] of TARGETS.entries()) {
        const logits = [0, 1, 2].map((k) => 20 * Math.sin(study * 78.233 + i * 12.9898 + k * 2.1));
        const top = Math.max(...logits);
        const exponents = logits.map((logit) => Math.fround(Math.exp(logit - top)));
        const sum = exponents.reduce((a, b) => a + b, 0);
        const [a, b, c] = exponents.map((value) => Math.fround(value / sum));
        rows.push({ study: String(study), target, probabilities: [a!, b!, c!] });
      }
    }
    const path = join(folder, 'printed.csv');
    const text = writeSubmission(rows);
    await writeFile(path, text);
    const read = await readSubmission(path, { sumTolerance: 2e-9 });
    expect(read).toHaveLength(1000);
    for (const [i, { study, target, probabilities }] of read.entries()) {
      expect([study, target]).toEqual([rows[i]!.study, rows[i]!.target]);
      expect(Math.abs(probabilities[0] + probabilities[1] + probabilities[2] - 1)).toBeLessThan(1e-6);
      for (const [k, value] of probabilities.entries()) {
        expect(Math.abs(value / rows[i]!.probabilities[k]! - 1)).toBeLessThan(1e-6);
      }
    }
    expect(Math.min(...read.flatMap(({ probabilities }) => probabilities))).toBeLessThan(1e-12);
  });

  it('is never written with a target missing, twice, or without probabilities', () => {
    const rows = complete('1', [0.2, 0.3, 0.5]);
    expect(() => writeSubmission(rows.slice(1))).toThrow('study 1: spinal_canal_stenosis_l5_s1 is missing');
    expect(() => writeSubmission([...rows, rows[0]!])).toThrow('twice');
    for (const wrong of [
      [Number.NaN, 0.5, 0.5],
      [0.5, 0.5, 0.5],
      [-0.5, 0.5, 1],
      [0, 0, 0],
    ] as unknown as Probabilities[]) {
      expect(() => writeSubmission(complete('1', wrong))).toThrow(RangeError);
    }
  });

  it('that is damaged is refused with line numbers', async () => {
    const path = await csv(
      'row_id,normal_mild,moderate,severe',
      '1_spinal_canal_stenosis_l1_l2,0.5,0.25,0.25',
      '1_spinal_canal_stenosis_l1_l2,0.5,0.25,0.25',
      '1_spinal_canal_stenosis_l6_s1,0.5,0.25,0.25',
      '_spinal_canal_stenosis_l1_l2,0.5,0.25,0.25',
      '1_spinal_canal_stenosis_l2_l3,0.5,0.25,0.3',
      '1_spinal_canal_stenosis_l3_l4,1.5,-0.5,0',
      '1_spinal_canal_stenosis_l4_l5,,0.5,0.5',
    );
    await expect(readSubmission(path)).rejects.toMatchObject({ code: 'SUBMISSION_INVALID' });
    for (const expected of [
      'line 3: "1_spinal_canal_stenosis_l1_l2" twice, first on line 2',
      'line 4: "1_spinal_canal_stenosis_l6_s1" names no target',
      'line 5: "_spinal_canal_stenosis_l1_l2" names no target',
      'line 6: "1_spinal_canal_stenosis_l2_l3" sums to 1.05',
      'line 7: "1_spinal_canal_stenosis_l3_l4" has a value outside [0, 1]',
      'line 8: "1_spinal_canal_stenosis_l4_l5" has a value that is no number',
    ]) {
      await expect(readSubmission(path)).rejects.toThrow(expected);
    }
  });

  it('may have study ids with underscores', () => {
    expect(parseRowId('site_a_7_right_subarticular_stenosis_l4_l5')).toMatchObject({
      study: 'site_a_7',
      target: { name: 'right_subarticular_stenosis_l4_l5' },
    });
  });
});
