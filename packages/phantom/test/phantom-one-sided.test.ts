/** A finding on one side only, in severities, tables and pixels. */

import { SIDES, type Side, TARGETS } from '@spineline/shared/domain';
import { beforeAll, describe, expect, it } from 'vitest';
import { phantomDataset } from '../../shared/test/support/phantoms.ts';
import { generatePhantom, oneSided } from '../src/index.ts';
import { planStudy } from '../src/study-plan.ts';
import { severityTable } from '../src/variation.ts';
import { temporaryFolder } from './dataset-folder.ts';
import { type PhantomFile, phantomFiles, storedValues, tableOf } from './support/phantom-files.ts';

const PLAIN = { studies: 1, seed: 4, small: true, awkward: false } as const;

describe('forced severities', () => {
  it('are those that the rule names, the rest as drawn', () => {
    const drawn = planStudy(4, 0, false).severities;
    const severities = severityTable(({ level }) => (level === 'l4_l5' ? 'moderate' : undefined));
    const forced = planStudy(4, 0, false, { severities }).severities;
    for (const [at, one] of forced.entries()) {
      if (one.target.level === 'l4_l5') expect(one).toMatchObject({ severity: 'moderate' });
      else expect(one).toEqual(drawn[at]);
    }
  });

  it.for(SIDES)('are severe on the %s and normal elsewhere, at the levels that are named', (side) => {
    const rule = oneSided(side, ['l4_l5', 'l5_s1']);
    const severe = TARGETS.filter((target) => rule(target) === 'severe').map(({ name }) => name);
    expect(severe.sort()).toEqual(
      ['neural_foraminal_narrowing', 'subarticular_stenosis']
        .flatMap((condition) => ['l4_l5', 'l5_s1'].map((level) => `${side}_${condition}_${level}`))
        .sort(),
    );
    expect(new Set(TARGETS.map(rule))).toEqual(new Set(['severe', 'normal_mild']));
  });
});

describe('a dataset with findings on one side', async () => {
  const normal = await temporaryFolder();
  const folders = new Map<Side, string>();

  beforeAll(async () => {
    await generatePhantom(normal, { ...PLAIN, threads: 1, severities: () => 'normal_mild' });
    for (const side of SIDES) folders.set(side, await phantomDataset({ ...PLAIN, oneSided: side }));
  });

  it.for(SIDES)('says so in its tables: %s', async (side) => {
    for (const { row_id, severity } of await tableOf(folders.get(side)!, 'truth.csv')) {
      expect(severity, row_id).toBe(row_id!.includes(`_${side}_`) ? 'Severe' : 'Normal/Mild');
    }
  });

  it.for(SIDES)('differs from a normal one about the foramina and recesses of that side: %s', async (side) => {
    const [before, after] = [await byName(normal), await byName(folders.get(side)!)];
    const changes: Record<string, number[]> = {};
    for (const row of await tableOf(folders.get(side)!, 'truth.csv')) {
      const [study, ...condition] = row.row_id!.split('_');
      const file = `${study}/${row.series_id}/${row.instance_number}.dcm`;
      const change = await changeAbout(before.get(file)!, after.get(file)!, Number(row.x), Number(row.y));
      const key = condition.slice(0, 2).join(' ');
      changes[key] = [...(changes[key] ?? []), change];
    }
    const mean = (key: string) => changes[key]!.reduce((sum, one) => sum + one, 0) / changes[key]!.length;
    const other = side === 'left' ? 'right' : 'left';
    for (const structure of ['neural', 'subarticular']) {
      expect(mean(`${side} ${structure}`), structure).toBeGreaterThan(2 * mean(`${other} ${structure}`));
    }
  });
});

async function byName(directory: string): Promise<Map<string, PhantomFile>> {
  return new Map((await phantomFiles(directory)).map((one) => [one.file, one]));
}

/** The mean absolute difference of two pictures within 7 pixels of a point, relative to their mean value. */
async function changeAbout(before: PhantomFile, after: PhantomFile, x: number, y: number): Promise<number> {
  const [a, b] = [await storedValues(before), await storedValues(after)];
  const { columns } = before.header;
  let [difference, total] = [0, 0];
  for (let row = -7; row <= 7; row++) {
    for (let column = -7; column <= 7; column++) {
      const index = (Math.round(y) + row) * columns + Math.round(x) + column;
      difference += Math.abs(a[index]! - b[index]!);
      total += Math.abs(a[index]!);
    }
  }
  return difference / total;
}
