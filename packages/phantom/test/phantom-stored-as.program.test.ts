/** The same patient stored in any of the eight ways. */

import { execFileSync } from 'node:child_process';
import { pixelToPatient, type Vec3 } from '@spineline/shared/geometry';
import { beforeAll, describe, expect, it } from 'vitest';
import { patientToPixel } from '../../shared/test/support/patient-to-pixel.ts';
import { phantomDataset } from '../../shared/test/support/phantoms.ts';
import { pythonWith } from '../../shared/test/support/python-with.ts';
import { parseStoredAs, STORED_AS } from '../src/index.ts';
import { type StoredAs, type Matrix, storedMatrix, storedPixels, storedPoint } from '../src/stored-as.ts';
import { digests } from './dataset-folder.ts';
import { type PhantomFile, phantomFiles, planeOf, storedValues, tableOf } from './support/phantom-files.ts';

const WAYS = Object.keys(STORED_AS) as StoredAs[];
const PLAIN = { studies: 1, seed: 20 } as const;
const PYTHON = pythonWith('pydicom', 'numpy');

describe('a picture of two rows and three columns', () => {
  const matrix: Matrix = { rows: 2, columns: 3, pixelSpacing: [4, 5] };
  const stored = (as: StoredAs) => {
    const { columns, pixelSpacing } = storedMatrix(matrix, as);
    const pixels = [...storedPixels(Int16Array.of(1, 2, 3, 4, 5, 6), matrix, as)].join('');
    return `${pixels.match(new RegExp(`.{${columns}}`, 'g'))!.join(' ')} at ${pixelSpacing.join(' x ')}`;
  };

  it.for<[StoredAs, string]>([
    ['identity', '123 456 at 4 x 5'],
    ['turned-90', '41 52 63 at 5 x 4'],
    ['turned-180', '654 321 at 4 x 5'],
    ['turned-270', '36 25 14 at 5 x 4'],
    ['mirrored', '321 654 at 4 x 5'],
    ['mirrored-turned-90', '63 52 41 at 5 x 4'],
    ['mirrored-turned-180', '456 123 at 4 x 5'],
    ['mirrored-turned-270', '14 25 36 at 5 x 4'],
  ])('stored as %s reads %s', ([as, expected]) => {
    expect(stored(as)).toBe(expected);
  });

  it.for(WAYS)('has its points where its pixels are, stored as %s', (as) => {
    const pixels = storedPixels(Int16Array.of(1, 2, 3, 4, 5, 6), matrix, as);
    const { columns } = storedMatrix(matrix, as);
    for (let index = 0; index < 6; index++) {
      const { x, y } = storedPoint({ x: index % 3, y: Math.floor(index / 3) }, matrix, as);
      expect(pixels[y * columns + x]).toBe(index + 1);
    }
  });
});

/** Each way once, sagittal or axial; the generator turns a picture without knowing its plane. */
const STORED: readonly (readonly [sagittal: StoredAs, axial: StoredAs])[] = [
  ['turned-90', 'turned-180'],
  ['mirrored', 'turned-270'],
  ['mirrored-turned-90', 'mirrored-turned-180'],
  ['mirrored-turned-270', 'identity'],
];

describe('a dataset stored in another way', () => {
  let plain: string;
  let files: PhantomFile[];

  beforeAll(async () => {
    plain = await phantomDataset(PLAIN);
    files = await phantomFiles(plain);
  });

  const stored = ([sagittal, axial]: (typeof STORED)[number]) =>
    phantomDataset({ ...PLAIN, storedAs: { sagittal, axial } });

  it('goes through all ways', () => {
    expect(STORED.flat().sort()).toEqual(WAYS.toSorted());
  });

  it.for(STORED)('shows the same values and has its labels at the same points of the patient: %s, %s', async (ways) => {
    const turned = await stored(ways);
    const others = await phantomFiles(turned);
    expect(others.map(({ file }) => file)).toEqual(files.map(({ file }) => file));
    const pairs = files.map((one, at) => [one, others[at]!] as const);
    // A few slices: all of them are what pydicom compares below.
    const compared = await Promise.all(pairs.filter((_, at) => at % 11 === 0).map(differences));
    expect(compared).toEqual(compared.map(() => ({ values: 0, places: 0 })));
    for (const name of ['train_label_coordinates.csv', 'truth_coordinates.csv']) {
      const [labels, moved] = [await tableOf(plain, name), await tableOf(turned, name)];
      expect(labels.length).toBeGreaterThan(15);
      expect(moved.map(withoutPlace)).toEqual(labels.map(withoutPlace));
      const apart = labels.map((label, at) => distance(pointOf(label, files), pointOf(moved[at]!, others)));
      expect(Math.max(...apart)).toBeLessThan(1e-4);
    }
  });

  it.for(STORED)('has other files for the series that are turned, and for no others: %s, %s', async (ways) => {
    const [before, after] = [await digests(plain), await digests(await stored(ways))];
    const changed = new Set(
      Object.keys(before)
        .filter((file) => before[file] !== after[file])
        .map(seriesOf),
    );
    const rows = await tableOf(plain, 'train_series_descriptions.csv');
    const turned = rows.filter((row) => ways[row.series_description === 'Axial T2' ? 1 : 0] !== 'identity');
    expect(changed).toEqual(new Set([...turned.map((row) => row.series_id), undefined]));
  });

  it.skipIf(!PYTHON)('is the same in space to the pixel for pydicom and numpy', async ({ annotate }) => {
    const script = new URL('./support/same-in-space.py', import.meta.url).pathname;
    for (const ways of STORED) {
      const found = JSON.parse(execFileSync(PYTHON!, [script, plain, await stored(ways)], { encoding: 'utf8' }));
      expect(found, ways.join()).toMatchObject({ slices: files.length, different: 0 });
      expect(found.furthestMm).toBeLessThan(1e-5);
      await annotate(`${ways.join()}: ${found.slices} slices, at most ${found.furthestMm} mm off`);
    }
  });
});

/** The series of a path below a dataset; `undefined` for a table. */
function seriesOf(file: string): string | undefined {
  return /^train_images\/[^/]+\/([^/]+)\//.exec(file)?.[1];
}

/** How many of every seventh pixel have another value, or no pixel, at their point in the other file. */
async function differences([one, other]: readonly [PhantomFile, PhantomFile]) {
  const [plane, otherPlane] = [planeOf(one), planeOf(other)];
  const [before, after] = [await storedValues(one), await storedValues(other)];
  let [values, places] = [0, 0];
  for (let index = 0; index < before.length; index += 7) {
    const point = pixelToPatient(plane, index % plane.columns, Math.floor(index / plane.columns));
    const { x, y, distanceMm } = patientToPixel(otherPlane, point);
    const [column, row] = [Math.round(x), Math.round(y)];
    if (Math.abs(x - column) + Math.abs(y - row) + Math.abs(distanceMm) > 1e-4) places++;
    if (after[row * otherPlane.columns + column] !== before[index]) values++;
  }
  return { values, places };
}

function withoutPlace({ x: _x, y: _y, ...row }: Record<string, string>): Record<string, string> {
  return row;
}

function pointOf(row: Record<string, string>, files: readonly PhantomFile[]): Vec3 {
  const name = `${row.study_id}/${row.series_id}/${row.instance_number}.dcm`;
  return pixelToPatient(planeOf(files.find(({ file }) => file === name)!), Number(row.x), Number(row.y));
}

function distance(a: Vec3, b: Vec3): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

describe('--stored-as', () => {
  it.for<[string, object]>([
    ['mirrored', { sagittal: 'mirrored', axial: 'mirrored' }],
    ['axial=turned-90', { axial: 'turned-90' }],
    ['sagittal=mirrored-turned-270, axial=identity', { sagittal: 'mirrored-turned-270', axial: 'identity' }],
  ])('reads %s', ([text, expected]) => {
    expect(parseStoredAs(text)).toEqual(expected);
  });

  it.for(['', 'turned', 'coronal=mirrored', 'axial=', 'axial=mirrored,sideways'])('refuses %j', (text) => {
    expect(() => parseStoredAs(text)).toThrow(/expected one of/);
  });
});
