/** Workers whose models do not run on the CPU, and workers that cannot run a model. */

import { join } from 'node:path';
import type { Stage } from '@spineline/shared/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Exit, startNode } from '../../../packages/shared/test/support/guarded-process.ts';
import { phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { tinyBundles } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { onnxModel } from '../../../packages/shared/test/support/tiny-onnx.ts';
import { type LogLine, logOf } from '../../../packages/shared/test/support/worker-log.ts';
import { copyBundle } from './support/bundle-copy.ts';
import { type Deployment, enqueue, resultsOf, scoreRun, startDeployment, withSide } from './support/deployment.ts';
import { largestDifference } from './support/results-file.ts';
import { WEBGPU_ENVIRONMENT, webgpuMissing } from './support/webgpu.ts';
import { startPools, startWorker } from './support/worker.ts';

const TIMEOUT_MS = 120_000;
const WEBGPU = { ...WEBGPU_ENVIRONMENT, SPINELINE_EXECUTION_PROVIDER: 'webgpu', SPINELINE_BATCH_SIZE: '2' };

const missing = redisMissing();
const noWebgpu = missing ?? (await webgpuMissing());

let deployment: Deployment;
let dataset = '';
beforeAll(async () => {
  if (missing) return;
  deployment = await startDeployment();
  dataset = await phantomDataset({ studies: 1 });
}, TIMEOUT_MS);
afterAll(() => deployment?.stop());

/** Runs a worker that cannot run, to its end. */
async function endOf(
  stage: Stage,
  settings: Readonly<Record<string, string>>,
): Promise<{ exit: Exit; fatal: LogLine }> {
  const program = new URL(`../../worker-${stage}/src/main.ts`, import.meta.url).pathname;
  const guarded = startNode(program, [], settings);
  const log = logOf(guarded);
  const fatal = await log.when(({ level }) => level === 'fatal');
  return { exit: await guarded.exited, fatal };
}

/** Jobs of a stage that were not touched, or are back in the queue. */
function waitingAt(stage: Stage): Promise<number> {
  return withSide(deployment.settings, async (_, { queues }) => {
    const { waiting, active, delayed } = await queues.counts(stage);
    return waiting + active + delayed;
  });
}

function failuresOf(run: string): Promise<unknown[]> {
  return withSide(deployment.settings, ({ runs }) => Array.fromAsync(runs.failures(run)));
}

describe.skipIf(noWebgpu)(`workers on webgpu${noWebgpu ? ` (${noWebgpu})` : ''}`, () => {
  it(
    'score a study as workers on the CPU do, and say how many nodes run elsewhere',
    async () => {
      const onCpu = await startPools(1, deployment.settings);
      await scoreRun(dataset, 'on-cpu', deployment.settings);
      await onCpu.stop();

      // Another store: nothing is reused.
      const settings = {
        ...deployment.settings,
        ...WEBGPU,
        SPINELINE_STORE_URL: `${deployment.settings.SPINELINE_STORE_URL}-gpu`,
      };
      const models = Object.entries(await tinyBundles()).map(([stage, folder]) => `${stage}=${folder}`);
      const pools = await startPools(1, settings);
      const status = await scoreRun(dataset, 'on-webgpu', settings, models);
      await pools.stop();

      expect(status).toMatchObject({ scored: 1, failed: 0 });
      const [cpu, webgpu] = await Promise.all([
        resultsOf('on-cpu', deployment.folder, deployment.settings),
        resultsOf('on-webgpu', deployment.folder, settings),
      ]);
      expect(largestDifference(cpu, webgpu)).toBeLessThan(1e-4);
      const tried = pools.lines(({ msg }) => msg === 'models run');
      expect(tried.map(({ executionProvider }) => executionProvider)).toEqual(['webgpu', 'webgpu', 'webgpu']);
      for (const line of pools.lines(({ msg }) => msg === 'nodes run on the CPU')) {
        expect(line).toMatchObject({
          level: 'warn',
          nodes: expect.any(Number),
          operators: expect.stringMatching(/ x \d/),
        });
      }
    },
    TIMEOUT_MS,
  );

  it(
    'that cannot run one member take no study, and say which member of which bundle, where and why',
    async () => {
      const { stage1 } = await tinyBundles();
      const grouped = await copyBundle(stage1, join(deployment.folder, 'grouped'), '2.0.0', (task, { kind }) =>
        task === 'nfn' && kind === 'cls' ? groupedConvolution() : undefined,
      );
      const models = Object.entries({ ...(await tinyBundles()), stage1: grouped }).map((pair) => pair.join('='));
      await enqueue(dataset, 'grouped', deployment.settings, models);
      const { exit, fatal } = await endOf('stage1', { ...deployment.settings, ...WEBGPU });

      expect(exit.code).toBe(2);
      expect(fatal.error).toContain('member nfn-cls.onnx of bundle tiny-stage1@2.0.0 does not run on webgpu');
      expect(fatal.error).toMatch(/grouped/i);
      expect(await failuresOf('grouped')).toEqual([]);
      // The page was not even unfolded. A worker on the CPU can run it.
      expect(await waitingAt('stage1')).toBe(0);
      const cpu = await startPools(1, deployment.settings);
      await expect(scoreRun(dataset, 'after-grouped', deployment.settings, models)).resolves.toMatchObject({
        scored: 1,
      });
      await cpu.stop();
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing)(`a worker that is given a model it cannot run${missing ? ` (${missing})` : ''}`, () => {
  it(
    'ends with exit code 2, and leaves the study to a worker that can',
    async () => {
      const { stage1 } = await tinyBundles();
      const unknown = await copyBundle(stage1, join(deployment.folder, 'unknown'), '3.0.0', (task) =>
        task === 'scs' ? unknownOperator() : undefined,
      );
      const models = Object.entries({ ...(await tinyBundles()), stage1: unknown }).map((pair) => pair.join('='));
      const worker = await startWorker('stage1', deployment.settings);
      await enqueue(dataset, 'unknown', deployment.settings, models);
      const fatal = await worker.line(({ level }) => level === 'fatal');

      expect(await worker.exited).toMatchObject({ code: 2 });
      expect(fatal.error).toContain('member scs-cls.onnx of bundle tiny-stage1@3.0.0 does not run on cpu');
      expect(fatal.error).toContain('NoSuchOperator');
      expect(await failuresOf('unknown')).toEqual([]);
      expect(await waitingAt('stage1')).toBe(1);
      // The next one finds the study in the queue, and ends before it takes it.
      const { exit } = await endOf('stage1', deployment.settings);
      expect(exit.code).toBe(2);
      expect(await waitingAt('stage1')).toBe(1);
    },
    TIMEOUT_MS,
  );
});

const VOLUME = ['batch', 1, 32, 64, 64] as const;
const OUTPUT = { name: 'logits', dims: ['batch', 10, 32] } as const;

/** A stage-1 model with a grouped 3D convolution, which ONNX Runtime's WebGPU provider lacks. */
function groupedConvolution(): Uint8Array {
  return onnxModel(
    [{ name: 'volume', dims: [...VOLUME] }],
    OUTPUT,
    [
      { op: 'Concat', inputs: ['volume', 'volume'], output: 'two', attributes: { axis: 1 } },
      { op: 'Conv', inputs: ['two', 'kernel'], output: 'grouped', attributes: { group: 2, kernel_shape: [1, 1, 1] } },
      { op: 'ReduceMean', inputs: ['grouped'], output: 'slices', attributes: { axes: [3, 4], keepdims: 0 } },
      { op: 'MatMul', inputs: ['outputs', 'slices'], output: 'logits' },
    ],
    [
      { name: 'kernel', dims: [2, 1, 1, 1, 1], data: [1, 2] },
      { name: 'outputs', dims: [10, 2], data: Array.from({ length: 20 }, (_, i) => i / 20) },
    ],
  );
}

/** A model with an operator that no runtime has. */
function unknownOperator(): Uint8Array {
  return onnxModel([{ name: 'volume', dims: [...VOLUME] }], OUTPUT, [
    { op: 'NoSuchOperator', inputs: ['volume'], output: 'logits' },
  ]);
}
