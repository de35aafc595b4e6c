/**
 * One patient stored in each of the eight ways that DICOM allows, sagittal and axial series, with a finding on one side:
 * the severities are the same, points lie in the stored images, and training sees the same. Models of a few operations
 * that depend on every pixel see all the ways; the demo models see some of them, keep the finding on its side, and see
 * the same patient with padding.
 */

import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STORED_AS } from '@spineline/phantom';
import { SEVERITIES, SIDES, TARGETS } from '@spineline/shared/domain';
import type { StudyResult } from '@spineline/shared/runs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredAs } from '../../../packages/phantom/src/stored-as.ts';
import { readNpy } from '../../../packages/shared/test/support/npy.ts';
import { type PhantomDataset, phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { tinyModels } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { flagCodes, readResults } from './support/results-file.ts';
import { spinelineOk } from './support/spineline-command.ts';

const missing = redisMissing();

type Variation = Omit<PhantomDataset, 'studies' | 'seed'>;
type Ways = NonNullable<Variation['storedAs']>;

const OTHERS = (Object.keys(STORED_AS) as StoredAs[]).filter((way) => way !== 'identity');
const WITHOUT_HALF_TURN = OTHERS.filter((way) => way !== 'turned-180');
/** Studies of one patient. Each way occurs once for the sagittal and once for the axial series. */
const STORED = new Map<string, Ways>([
  ['upright', {}],
  ...OTHERS.map((sagittal): [string, Ways] => {
    const axial = sagittal === 'turned-180' ? sagittal : WITHOUT_HALF_TURN.at(WITHOUT_HALF_TURN.indexOf(sagittal) - 1)!;
    return [`sagittal-${sagittal}-axial-${axial}`, { sagittal, axial }];
  }),
]);
/** What the demo models see too. */
const GRADED = ['upright', 'sagittal-turned-180-axial-turned-180'];
const RIGHT = { 'right-axial-mirrored': { axial: 'mirrored' } } as const;
/** The left-sided patient with padding far below the image, which the header tells of, or, as the control, does not. */
const PADDED = { 'padded-told': { value: -2000 }, 'padded-untold': { value: -2000, declared: false } };
const TABLES = ['train.csv', 'train_label_coordinates.csv', 'train_series_descriptions.csv'];

let folder = '';
/** By the models of a few operations. */
let results: Map<string, StudyResult>;
/** By the demo models. */
let graded: Map<string, StudyResult>;

/** A dataset in the challenge's layout of phantoms of one patient, each under a name of its own. */
async function datasetOf(name: string, studies: ReadonlyMap<string, Variation>): Promise<string> {
  const dataset = join(folder, name);
  await mkdir(join(dataset, 'train_images'), { recursive: true });
  for (const [study, variation] of studies) {
    const phantom = await phantomDataset({ studies: 1, seed: 41, oneSided: 'left', ...variation });
    const [id] = await readdir(join(phantom, 'train_images'));
    await symlink(join(phantom, 'train_images', id!), join(dataset, 'train_images', study));
    for (const table of TABLES) {
      const [header, ...rows] = (await readFile(join(phantom, table), 'utf8')).trim().split('\n');
      await writeFile(join(dataset, table), `${header}\n`, { flag: 'wx' }).catch(() => {}); // there already
      await appendFile(join(dataset, table), rows.map((row) => `${row.replace(`${id},`, `${study},`)}\n`).join(''));
    }
  }
  return dataset;
}

async function score(dataset: string, models: readonly string[]): Promise<Map<string, StudyResult>> {
  await spinelineOk(['score', dataset, '--out', `${dataset}-out`, ...models]);
  const { studies } = await readResults(join(`${dataset}-out`, 'results.json'));
  return new Map(studies.map((study) => [study.study, study]));
}

describe.skipIf(missing)(`one patient stored in eight ways${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spineline-orientations-'));
    const stored = [...STORED].map(([name, storedAs]) => [name, { storedAs }] as const);
    results = await score(await datasetOf('stored', new Map(stored)), await tinyModels());
    const some = new Map<string, Variation>([
      ...stored.filter(([name]) => GRADED.includes(name)),
      ...Object.entries(RIGHT).map(([name, storedAs]) => [name, { storedAs, oneSided: 'right' }] as const),
      ...Object.entries(PADDED).map(([name, padding]) => [name, { padding }] as const),
    ]);
    graded = await score(await datasetOf('graded', some), []);
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.for([
    ...[...STORED.keys()].map((name) => [name, 'models of a few operations'] as const),
    ...GRADED.map((name) => [name, 'the demo models'] as const),
  ])('%s: the severities are those of the upright images, with %s', ([name, models]) => {
    const scored = models === 'the demo models' ? graded : results;
    const upright = scored.get('upright')!;
    const stored = scored.get(name)!;
    const differences = upright.targets.flatMap(({ name: target, severities }) => {
      const other = stored.targets.find((one) => one.name === target)!.severities;
      return severities.map((value, i) => Math.abs(value - other[i]!));
    });
    expect(differences).toHaveLength(75);
    expect(Math.max(...differences)).toBeLessThanOrEqual(1e-6);
  });

  it('models of a few operations would notice: the other side has other severities', () => {
    const { targets } = results.get('upright')!;
    const of = (side: string) => targets.filter((target) => target.side === side).map(({ severities }) => severities);
    const [left, right] = [of('left'), of('right')];
    expect(left).toHaveLength(10);
    for (const [i, severities] of left.entries()) expect(severities).not.toEqual(right[i]);
  });

  it.for([...GRADED, ...Object.keys(RIGHT)])('%s: the finding is on its side', (name) => {
    const side = name.startsWith('right') ? 'right' : 'left';
    const severeOn = (on: string) =>
      graded
        .get(name)!
        .targets.filter((target) => target.side === on && target.severities[SEVERITIES.indexOf('severe')]! > 0.5)
        .length;
    // Ten targets a side. The demo models are nearly always right; the other way round none is severe.
    expect(severeOn(side)).toBeGreaterThanOrEqual(8);
    expect(severeOn(SIDES.find((other) => other !== side)!)).toBeLessThanOrEqual(1);
    expect(TARGETS.filter((target) => target.side === side)).toHaveLength(10);
  });

  it('padding that the header tells of changes hardly a grade; padding that nobody can know of many', () => {
    const gradesOf = (name: string) =>
      graded.get(name)!.targets.map(({ severities }) => severities.indexOf(Math.max(...severities)));
    const upright = gradesOf('upright');
    const changed = (name: string) => gradesOf(name).filter((grade, i) => grade !== upright[i]).length;
    // The padded corners showed tissue before: a target between two grades may go to the other one.
    expect(changed('padded-told')).toBeLessThanOrEqual(1);
    expect(changed('padded-untold')).toBeGreaterThanOrEqual(5);
  });

  it('training sees the same arrays', async () => {
    const prepared = join(folder, 'prepared');
    const options = ['--dtype', 'uint8', '--pool', '4,4,4', '--threads', '2', ...(await tinyModels())];
    await spinelineOk(['prepare', join(folder, 'stored'), '--out', prepared, ...options]);
    const shard = join(prepared, 'shard-00000');
    const { studies } = JSON.parse(await readFile(join(shard, 'shard.json'), 'utf8')) as { studies: string[] };
    expect([...studies].sort()).toEqual([...STORED.keys()].sort());
    const arrays = (await readdir(shard)).filter((file) => file.endsWith('.npy'));
    expect(arrays.length).toBeGreaterThan(15);
    for (const file of arrays) {
      const { data, shape } = readNpy(await readFile(join(shard, file)));
      const size = data.length / shape[0]!;
      const of = (study: string) =>
        Array.from(data.subarray(studies.indexOf(study) * size, (studies.indexOf(study) + 1) * size) as never, Number);
      const upright = of('upright');
      for (const study of [...STORED.keys()].slice(1)) {
        const stored = of(study);
        // Images to the bit; labels are written with two decimals.
        const allowed = file.includes('target') ? 1e-4 : 0;
        const differs = upright.findIndex((value, i) => {
          if (Number.isNaN(value)) return !Number.isNaN(stored[i]!);
          return !(Math.abs(value - stored[i]!) <= allowed);
        });
        expect(differs, `${file} of ${study}`).toBe(-1);
      }
    }
  });

  it('gives points in pixels of the image as it is stored', () => {
    const upright = results.get('upright')!;
    for (const [name, ways] of STORED) {
      const stored = results.get(name)!;
      for (const [i, target] of upright.targets.entries()) {
        const other = stored.targets[i]!;
        for (const [place, plane] of [
          ['slice', 'sagittal'],
          ['axial', 'axial'],
        ] as const) {
          const [from, to] = [target[place], other[place]];
          if (!from || !to) expect(to).toEqual(from);
          else {
            const { rows, columns } = upright.series.find(({ series }) => series === from.series)!;
            const { transposed, reversedX, reversedY } = STORED_AS[ways[plane] ?? 'identity'];
            const [u, v] = transposed ? [from.y, from.x] : [from.x, from.y];
            const [width, height] = transposed ? [rows, columns] : [columns, rows];
            expect(to.x).toBeCloseTo(reversedX ? width - 1 - u : u, 1);
            expect(to.y).toBeCloseTo(reversedY ? height - 1 - v : v, 1);
            expect(to.instance).toBe(from.instance);
          }
        }
      }
    }
  });

  it('flags rotations and reflections by names of their own, and upright images not at all', () => {
    for (const [name, ways] of STORED) {
      const codes = flagCodes(results.get(name)!).filter((code) => code.startsWith('orientation_'));
      const expected = Object.values(ways).map((way) =>
        way.startsWith('mirrored') ? 'orientation_mirrored' : 'orientation_turned',
      );
      expect(codes.filter((code) => code !== 'orientation_oblique')).toEqual([...new Set(expected)].sort());
    }
  });
});
