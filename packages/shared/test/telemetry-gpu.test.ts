/** GPU figures, with a program that answers as `nvidia-smi` does. */

import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { readGpus } from '../telemetry/gpu-metrics.ts';
import { addGpuMetrics } from '../telemetry/index.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** A program that prints what its file says, if it is asked as it should be. */
async function smi(said: string): Promise<{ program: string; say: (text: string) => Promise<void> }> {
  const folder = await temporaryFolder();
  const program = join(folder, 'nvidia-smi');
  const say = (text: string) => writeFile(join(folder, 'said'), text);
  await say(said);
  const asked = '--query-gpu=index,utilization.gpu,memory.used,memory.total --format=csv,noheader,nounits';
  await writeFile(program, `#!/bin/sh\n[ "$*" = "${asked}" ] || exit 2\ncat "$(dirname "$0")/said"\n`);
  await chmod(program, 0o755);
  return { program, say };
}

it('reads every GPU, in base units', async () => {
  const { program } = await smi('0, 87, 10240, 81559\n1, 0, 3, 81559\n');
  expect(await readGpus(program)).toEqual([
    { gpu: '0', utilization: 0.87, memoryUsedBytes: 10240 * 2 ** 20, memoryTotalBytes: 81559 * 2 ** 20 },
    { gpu: '1', utilization: 0, memoryUsedBytes: 3 * 2 ** 20, memoryTotalBytes: 81559 * 2 ** 20 },
  ]);
});

it('leaves out a GPU that says nothing of itself', async () => {
  const { program } = await smi('0, [N/A], [N/A], 81559\n1, 5, 3, 81559\n');
  expect((await readGpus(program)).map(({ gpu }) => gpu)).toEqual(['1']);
});

it('has no series where there is no such program', async () => {
  const registry = new Registry();
  await addGpuMetrics(registry, '/nowhere/nvidia-smi');
  expect(await registry.metrics()).toBe('\n');
});

it('serves what the program says at the scrape', async () => {
  const { program } = await smi('0, 50, 1, 2\n');
  const registry = new Registry();
  await addGpuMetrics(registry, program);
  const text = await registry.metrics();
  expect(text).toContain('spineline_gpu_utilization_ratio{gpu="0"} 0.5\n');
  expect(text).toContain(`spineline_gpu_memory_used_bytes{gpu="0"} ${2 ** 20}\n`);
  expect(text).toContain(`spineline_gpu_memory_total_bytes{gpu="0"} ${2 * 2 ** 20}\n`);
});
