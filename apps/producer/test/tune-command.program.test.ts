/** `spineline tune` as a user runs it. It measures in processes of its own. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseEnv } from 'node:util';
import { readSettings } from '@spineline/shared/config';
import { tune } from '@spineline/shared/inference';
import { pushBundle, readBundleFolder } from '@spineline/shared/models';
import { openStore } from '@spineline/shared/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tinyBundles } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { onnxModel } from '../../../packages/shared/test/support/tiny-onnx.ts';
import { copyBundle } from './support/bundle-copy.ts';
import { spineline, spinelineOk } from './support/spineline-command.ts';

const TIMEOUT_MS = 120_000;

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spineline-test-'));
  file = join(folder, 'best.env');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it(
  'writes the best settings of a bundle to an env file that a worker reads',
  async () => {
    const { stage3 } = await tinyBundles();
    const { stdout, stderr } = await spinelineOk(['tune', stage3, '--seconds', '1', '--out', file], {
      SPINELINE_BATCH_SIZE: '64', // of no account
    });
    expect(stderr).toMatch(/^1 of \d+: inference threads 1, intra-op threads \d+, batch size 1$/m);
    expect(stdout).toMatch(/^tiny-stage3@1\.0\.0 {2}stage 3, cpu, /);
    const rows = [...stdout.matchAll(/^ +(\d+) +(\d+) +(\d+) +([\d.]+) +([\d.]+) +(\d+) *(.*)$/gm)].map(
      ([, threads, intraOp, batch, speed, ratio, memory, note]) => {
        return {
          sizes: [threads, intraOp, batch].map(Number),
          speed: Number(speed),
          ratio,
          memory: Number(memory),
          note,
        };
      },
    );
    expect(rows.map(({ sizes }) => sizes[2])).toEqual(expect.arrayContaining([1, 2, 4, 8]));
    for (const { speed, memory } of rows) {
      expect(speed).toBeGreaterThan(0);
      // Node and ONNX Runtime alone need more than 40 MiB.
      expect(memory).toBeGreaterThan(40);
    }
    expect(rows.filter(({ note }) => note!.includes('default'))).toMatchObject([{ ratio: '1.00' }]);
    const best = rows.find(({ note }) => note!.includes('best'))!;
    expect(best.speed).toBeGreaterThanOrEqual(0.96 * Math.max(...rows.map(({ speed }) => speed)));

    const { worker } = readSettings(parseEnv(await readFile(file, 'utf8')));
    expect([worker.inferenceThreads, worker.intraOpThreads, worker.batchSize]).toEqual(best.sizes);
    expect(worker).toMatchObject({ executionProvider: 'cpu', chosen: { settings: ['computeThreads'] } });
    expect(stdout).toContain(`set -a; . ${file}; set +a; node apps/worker-stage3/src/main.ts`);
    expect(stdout).toContain(`docker run --env-file ${file}`);
  },
  TIMEOUT_MS,
);

it(
  'takes a bundle of the store, prints JSON, leaves out settings that fail, and says why',
  async () => {
    // A model with a fixed batch dimension runs with batches of one only.
    const { stage2 } = await tinyBundles();
    const fixed = await copyBundle(stage2, join(folder, 'fixed'), '2.0.0', (task) =>
      task === 'ss' ? fixedBatch() : undefined,
    );
    const url = pathToFileURL(join(folder, 'store')).href;
    const store = await openStore(url);
    await pushBundle(store, await readBundleFolder(fixed));
    await store.close();

    const { stdout } = await spinelineOk(
      ['tune', 'tiny-stage2@2.0.0', '--store', url, '--seconds', '1', '--out', file, '--json'],
      {},
    );
    const { bundle, stage, trials, chosen } = JSON.parse(stdout);
    expect({ bundle, stage }).toEqual({ bundle: 'tiny-stage2@2.0.0', stage: 2 });
    const failed = trials.filter((one: object) => 'failure' in one);
    expect(failed).toMatchObject([{ batchSize: 2, failure: expect.stringContaining('Got: 2 Expected: 1') }]);
    expect(chosen.batchSize).toBe(1);
    expect(parseEnv(await readFile(file, 'utf8'))).toMatchObject({
      SPINELINE_BATCH_SIZE: '1',
      SPINELINE_INFERENCE_THREADS: String(chosen.inferenceThreads),
    });

    const unknown = await spineline(['tune', 'tiny-stage2@9.0.0', '--store', url]);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('spineline models list') });
  },
  TIMEOUT_MS,
);

it('does not replace a file without --force, and measures nothing then', async () => {
  const { stage1 } = await tinyBundles();
  await writeFile(file, 'mine');
  const refused = await spineline(['tune', stage1, '--seconds', '3600', '--out', file]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/best\.env exists; .*--force/) });
  expect(await readFile(file, 'utf8')).toBe('mine');
  const elsewhere = await spineline(['tune', stage1, '--seconds', '3600', '--out', join(folder, 'no', 'best.env')]);
  expect(elsewhere).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be written') });
  await spinelineOk(['tune', stage1, '--seconds', '0.1', '--out', file, '--force']);
  expect(await readFile(file, 'utf8')).toContain('SPINELINE_INFERENCE_THREADS=');
});

it('names what is no bundle, and a member that does not run', async () => {
  const none = await spineline(['tune', folder]);
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('BUNDLE_MISSING') });
  const { stage1 } = await tinyBundles();
  const unknown = await copyBundle(stage1, join(folder, 'unknown'), '3.0.0', (task) =>
    task === 'scs' ? onnxModel([{ name: 'volume', dims: VOLUME }], LOGITS, [UNKNOWN]) : undefined,
  );
  const { code, stderr } = await spineline(['tune', unknown, '--out', file]);
  expect(code).toBe(2);
  expect(stderr).toContain('member scs-cls.onnx of bundle tiny-stage1@3.0.0 does not run on cpu');
  expect(stderr).toContain('NoSuchOperator');
});

it('does not choose settings that need more memory than a worker may use', async () => {
  const { stage1 } = await tinyBundles();
  const { bundle } = await readBundleFolder(stage1);
  const { worker } = readSettings({}, { cores: 1, memory: 2 ** 20 });
  const tuned = tune(stage1, { bundle, worker }, { seconds: 0.1, onProgress: () => {} });
  await expect(tuned).rejects.toThrow(/needs 0\.\d GiB of memory; this worker may use 0\.0 GiB/);
});

const VOLUME = ['batch', 1, 32, 64, 64];
const LOGITS = { name: 'logits', dims: ['batch', 5, 32] };
const UNKNOWN = { op: 'NoSuchOperator', inputs: ['volume'], output: 'logits' };

/** A stage-2 model of ss for one image: left and right are both at the mean of the image. */
function fixedBatch(): Uint8Array {
  return onnxModel(
    [{ name: 'image', dims: [1, 3, 64, 64] }],
    { name: 'xy', dims: [1, 2, 2] },
    [
      { op: 'ReduceMean', inputs: ['image'], output: 'mean', attributes: { axes: [1, 2, 3], keepdims: 0 } },
      { op: 'Mul', inputs: ['mean', 'both'], output: 'xy' },
    ],
    [{ name: 'both', dims: [1, 2, 2], data: [1, 1, 1, 1] }],
  );
}
