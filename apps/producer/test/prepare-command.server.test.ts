/** `spineline prepare` as a user runs it: stopped and run again, other options, a study that cannot be read. */

import { watch } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNode } from '../../../packages/shared/test/support/guarded-process.ts';
import { readNpy } from '../../../packages/shared/test/support/npy.ts';
import { copyTo, phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { tinyModels } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { filesBelow } from './support/bad-files.ts';
import { spineline, spinelineOk } from './support/in-process.ts';

const COMMAND = fileURLToPath(new URL('../bin/spineline.js', import.meta.url));
/** Little work: stage 1 alone, a study a shard. */
const OPTIONS = [
  ...['--stages', '1', '--dtype', 'uint8', '--pool', '8,1,1', '--studies-per-shard', '1', '--threads', '1'],
  ...(await tinyModels()),
];
const STUDIES = 3;

let folder = '';
let dataset = '';
/** Prepared in one go. */
let whole = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spineline-prepare-'));
  dataset = await phantomDataset({ studies: STUDIES });
  whole = join(folder, 'whole');
  await spinelineOk(['prepare', dataset, '--out', whole, ...OPTIONS]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Bytes by path. */
async function contentOf(root: string): Promise<Map<string, string>> {
  const files = (await filesBelow(root)).sort();
  return new Map(
    await Promise.all(files.map(async (file) => [file.slice(root.length), await readFile(file, 'base64')] as const)),
  );
}

describe('spineline prepare', () => {
  it('writes shards that prepare.json lists, of the labelled half', async () => {
    const prepared = JSON.parse(await readFile(join(whole, 'prepare.json'), 'utf8'));
    expect(prepared).toMatchObject({
      schema: 'spineline.prepared/1',
      dataset: { name: basename(dataset) },
      bundles: { stage1: { name: 'tiny-stage1' } },
      options: { stages: [1], dtype: 'uint8', pool: { stage1: 8 }, studiesPerShard: 1 },
      studies: STUDIES,
      skipped: [],
      unlabelled: 0,
      windows: {},
    });
    expect(prepared.shards.map(({ folder: name }: { folder: string }) => name)).toEqual([
      'shard-00000',
      'shard-00001',
      'shard-00002',
    ]);
    const [smallest] = (await readdir(join(dataset, 'train_images'))).sort((a, b) => Number(a) - Number(b));
    const first = JSON.parse(await readFile(join(whole, 'shard-00000', 'shard.json'), 'utf8'));
    expect(first.studies).toEqual([smallest]);
    const { stage1 } = prepared.settings;
    const volume = readNpy(await readFile(join(whole, 'shard-00000', first.arrays['stage1_scs.volume'].file)));
    expect(volume).toMatchObject({ dtype: '|u1', shape: [1, stage1.slices, stage1.size[0] / 8, stage1.size[1] / 8] });
    for (const levels of Object.values<Record<string, number[]>>(prepared.classShares)) {
      for (const shares of Object.values(levels))
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    }
  });

  it('goes on where it was killed, to the same bytes', async () => {
    const out = join(folder, 'killed');
    await mkdir(out);
    const { child, exited } = startNode(COMMAND, ['prepare', dataset, '--out', out, ...OPTIONS], {});
    // The first shard is whole when the second is begun.
    const watcher = watch(out, (_, file) => {
      if (file === 'shard-00001') child.kill('SIGKILL');
    });
    expect(await exited).toMatchObject({ signal: 'SIGKILL' });
    watcher.close();
    const kept = join(out, 'shard-00000', 'shard.json');
    const before = await stat(kept);
    // As a run that dies in the middle of a shard leaves it.
    await mkdir(join(out, 'shard-00002'), { recursive: true });
    await writeFile(join(out, 'shard-00002', 'severity.npy'), 'half');

    const { stdout } = await spinelineOk(['prepare', dataset, '--out', out, ...OPTIONS]);
    expect(stdout).toMatch(/3 studies in 3 shards/);
    expect((await stat(kept)).mtimeMs).toBe(before.mtimeMs);
    expect(await contentOf(out)).toEqual(await contentOf(whole));
  });

  it('refuses a folder that was prepared with other options, and says what to do', async () => {
    const before = await contentOf(whole);
    const other = OPTIONS.map((option) => (option === 'uint8' ? 'float16' : option));
    const { code, stderr } = await spineline(['prepare', dataset, '--out', whole, ...other]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/prepared with other options.*give another --out, or remove this folder/);
    expect(await contentOf(whole)).toEqual(before);
  });

  it('skips a study that cannot be read, names it, and prepares the others', async () => {
    const copy = join(folder, 'damaged');
    await copyTo(dataset, copy);
    const [, bad] = (await readdir(join(copy, 'train_images'))).sort((a, b) => Number(a) - Number(b));
    for (const file of await filesBelow(join(copy, 'train_images', bad!))) await writeFile(file, 'no dicom');
    const out = join(folder, 'without');
    const parameters = [
      'prepare',
      copy,
      '--out',
      out,
      ...OPTIONS.map((option, i) => (OPTIONS[i - 1] === '--studies-per-shard' ? '8' : option)),
    ];
    const { code, stdout, stderr } = await spineline([...parameters, '--json']);
    expect({ code, stderr }).toMatchObject({ code: 3 });
    const prepared = JSON.parse(stdout);
    expect(prepared.studies).toBe(STUDIES - 1);
    expect(prepared.skipped).toMatchObject([{ study: bad, code: 'STUDY_UNREADABLE' }]);
    expect(prepared.skipped[0].message).toContain(`study ${bad}`);
    const [shard] = prepared.shards;
    const record = JSON.parse(await readFile(join(out, shard.folder, 'shard.json'), 'utf8'));
    expect(record.studies).not.toContain(bad);
    const name = 'stage1_nfn.volume.npy';
    const { data } = readNpy(await readFile(join(out, shard.folder, name)));
    const [first, third] = await Promise.all(
      ['shard-00000', 'shard-00002'].map(async (one) => readNpy(await readFile(join(whole, one, name))).data),
    );
    expect(data).toEqual(Uint8Array.from([...first!, ...third!]));
    // Kept with what was skipped, and made again when the files change.
    const again = await spineline(parameters);
    expect(again.code).toBe(3);
    expect(again.stderr).toMatch(new RegExp(`skipped STUDY_UNREADABLE study ${bad}`));
    await cp(join(dataset, 'train_images', bad!), join(copy, 'train_images', bad!), { recursive: true, force: true });
    expect(await spineline(parameters)).toMatchObject({ code: 0 });
  });

  it('says which file is missing, and which numbers cannot be', async () => {
    const without = await spineline([
      'prepare',
      dataset,
      '--out',
      join(folder, 'no'),
      '--labels',
      join(folder, 'no.csv'),
    ]);
    expect(without.code).toBe(2);
    expect(without.stderr).toMatch(/no such file.*--labels says where/);
    const pool = await spineline(['prepare', dataset, '--out', join(folder, 'no'), '--pool', '5,1,1']);
    expect(pool.code).toBe(2);
    expect(pool.stderr).toMatch(/stage 1 cannot be pooled by 5/);
    for (const wrong of [
      ['--pool', '2,2'],
      ['--stages', '1,4'],
      ['--threads', '0'],
      ['--dtype', 'int8'],
    ]) {
      expect((await spineline(['prepare', dataset, '--out', join(folder, 'no'), ...wrong])).code, wrong.join(' ')).toBe(
        2,
      );
    }
  });
});
