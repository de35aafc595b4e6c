/**
 * Series off a real scanner, a water phantom whose headers say brain and localizer: as described, and without a word.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFacts } from '../dicom/index.ts';
import { type Kind, kindOfDescription } from '../domain/index.ts';
import { sortOut, type Unit } from '../series/index.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const folder = path.resolve(root, process.env.SPINELINE_TEST_DATA ?? '../shared/data', 'scanner-phantom');
const there = existsSync(folder);

function unitsOf(series: string): Unit[] {
  const images = path.join(folder, 'test_images', series);
  return readdirSync(images).flatMap((file) => {
    const found = readFacts(readFileSync(path.join(images, file)), { whole: true }, { file });
    if (typeof found === 'string') throw new Error(`${file}: ${found}`);
    return found.facts.frames.map((frame) => ({ facts: found.facts, frame }));
  });
}

const rows = there
  ? readFileSync(path.join(folder, 'test_series_descriptions.csv'), 'utf8').trim().split('\n').slice(1)
  : [];
const described = rows.map((row): [string, Kind] => {
  const [study, series, description] = row.split(',');
  return [`${study}/${series}`, kindOfDescription(description!)!];
});

describe.skipIf(!there)(`scanner phantom (skipped without ${folder})`, () => {
  it('is described', () => {
    expect(described).toHaveLength(8);
  });

  it.each(described)('%s is read as it is described, %s, and what contradicts is told', (series, kind) => {
    const units = unitsOf(series);
    const { stacks, rejected } = sortOut(units, { described: kind });
    expect(rejected).toEqual([]);
    expect(stacks).toHaveLength(1);
    expect(stacks[0]!.units).toHaveLength(units.length);
    expect(stacks[0]!.assessment.kind).toBe(kind);
    const told = stacks[0]!.assessment.contradictions.join('\n');
    expect(told).toMatch(/the word "brain" in BodyPartExamined means another part of the body/);
    if (series.endsWith('104')) expect(told).toMatch(/ScanningSequence EP\\GR.* neither T1 nor T2/);
    else expect(told).toMatch(/the word "3 plane" in SeriesDescription means a localizer/);
    if (kind === 'sagittal_t1') expect(told).toMatch(/EchoTime 81 ms, RepetitionTime 1000 ms is unusual for T1/);
  });

  it.each(described)('%s is not read without a description, and says why', (series) => {
    const { stacks, rejected } = sortOut(unitsOf(series));
    if (series.endsWith('104')) {
      expect(rejected).toEqual([]);
      expect(stacks).toMatchObject([{ assessment: { kind: undefined, rejection: 'not_lumbar' } }]);
    } else {
      expect(stacks).toEqual([]);
      expect(rejected).toMatchObject([{ rejection: 'localizer', reason: 'the word "3 plane" in SeriesDescription' }]);
    }
  });

  it('has a sagittal and an axial stack in one series, which are told apart where a person says what it is', () => {
    const units = [...unitsOf('1486/101'), ...unitsOf('1486/103')];
    expect(new Set(units.map(({ facts }) => facts.seriesInstanceUid)).size).toBe(1);
    const { stacks } = sortOut(units, { described: 'sagittal_t2', trusted: true });
    expect(stacks.map(({ units: members, assessment }) => [members.length, assessment.plane, assessment.kind])).toEqual(
      expect.arrayContaining([
        [7, 'sagittal', 'sagittal_t2'],
        [7, 'axial', undefined],
      ]),
    );
  });
});
