/**
 * A run whose Redis is emptied in the middle, and one beside which garbage is collected: both come to what an undisturbed
 * run comes to, and nothing that was finished is done again. `SPINELINE_TEST_RESUME_STUDIES` makes it as large as wanted.
 */

import { join } from 'node:path';
import { OUTPUT_NAMES, STAGE_NAMES, STEP_NAMES, perStep, STEPS } from '@spineline/shared/domain';
import { collectGarbage } from '@spineline/shared/lineage';
import { type RunRecord, RunStore } from '@spineline/shared/runs';
import { openStore, StageOutputs } from '@spineline/shared/store';
import { lookOnce } from '@spineline/shared/watching';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { tinyBundles, tinyModels } from '../../../packages/shared/test/support/tiny-bundles.ts';
import type { LogLine } from '../../../packages/shared/test/support/worker-log.ts';
import { copyBundle, withRemark } from './support/bundle-copy.ts';
import { type Deployment, enqueue, resultsOf, startDeployment, watchRun, withSide } from './support/deployment.ts';
import { spinelineOk } from './support/in-process.ts';
import { largestDifference, type ResultsFile, readResults } from './support/results-file.ts';
import { newCommits, outputTimes } from './support/store-outputs.ts';
import { type Pools, startPools } from './support/worker.ts';

const STUDIES = Number(process.env.SPINELINE_TEST_RESUME_STUDIES || 9);
/** Studies scored when Redis is emptied; stage 1 is some studies ahead of that. */
const SCORED = Math.floor(STUDIES / 5);
const OUTPUTS = perStep((step) => STEPS[step].output);
const WAIT = { timeout: 60_000, interval: 50 };
const missing = redisMissing();

describe.skipIf(missing)(`a run that is disturbed${missing ? ` (${missing})` : ''}`, () => {
  let deployment: Deployment;
  let pools: Pools;
  let dataset = '';
  let undisturbed: ResultsFile;

  beforeAll(
    async () => {
      dataset = await phantomDataset({ studies: STUDIES });
      deployment = await startDeployment(async (folder) => {
        const out = join(folder, 'undisturbed');
        await spinelineOk(['score', dataset, '--out', out, ...(await tinyModels())]);
        undisturbed = await readResults(join(out, 'results.json'));
      });
      pools = await startPools(1, { ...deployment.settings, SPINELINE_CONCURRENCY: '1' });
    },
    120_000 + STUDIES * 30_000,
  );
  afterAll(async () => {
    await pools?.stop();
    await deployment?.stop();
  });

  const scored = (run: string) => (line: LogLine) =>
    line.msg === 'study done' && line.next === 'done' && line.run === run;

  /** When so many studies of a run have been scored. */
  async function whenScored(run: string, count: number): Promise<void> {
    await pools.workers[2]!.line(scored(run), count);
  }

  const lookAt = (run: string) =>
    withSide(deployment.settings, async ({ runs }, side) => lookOnce(await runs.readRun(run), runs, side));

  it('by FLUSHALL is finished by resume; what was finished is not computed again, and the results are the same', async () => {
    const { settings, redis, folder } = deployment;
    await enqueue(dataset, 'flushed', settings);
    await whenScored('flushed', SCORED);
    await redis.flush();
    // What workers had in hand they finish and hand over; then nothing is queued, and studies are missing.
    await expect.poll(async () => (await lookAt('flushed')).queued, WAIT).toBe(0);
    await expect
      .poll(
        () => Promise.all(pools.workers.map((w) => w.metric('spineline_jobs_in_progress', { stage: w.stage }))),
        WAIT,
      )
      .toEqual([0, 0, 0]);
    const { left } = await lookAt('flushed');
    expect(left).toBeGreaterThan(0);
    const before = await outputTimes(settings.SPINELINE_STORE_URL!);

    const dry = JSON.parse((await spinelineOk(['resume', 'flushed', '--dry-run', '--json'], settings)).stdout);
    expect(dry).toMatchObject({ studies: STUDIES, failed: 0, missing: left });
    await spinelineOk(['resume', 'flushed'], settings);
    expect(await watchRun('flushed', settings)).toMatchObject({ code: 0, scored: STUDIES });

    const after = await outputTimes(settings.SPINELINE_STORE_URL!);
    for (const [path, time] of before) expect(after.get(path)).toBe(time);
    expect(newCommits(new Map(), after)).toEqual({
      stage1: STUDIES,
      'stage2-xy': STUDIES,
      'stage2-crops': STUDIES,
      stage3: STUDIES,
    });
    // By the workers' own count, too: each output was computed once.
    for (const [i, step] of STEP_NAMES.entries()) {
      const worker = pools.workers[[0, 1, 1, 2][i]!]!;
      expect(await worker.metric('spineline_steps_total', { step, reused: 'false' })).toBe(STUDIES);
    }
    const results = await resultsOf('flushed', folder, settings);
    expect(largestDifference(undisturbed, results)).toBe(0);
  }, 300_000);

  it('by cancel keeps what it came to, and goes on with resume', async () => {
    const { settings, folder } = deployment;
    const { stage1 } = await tinyBundles();
    const bundle = await copyBundle(stage1, join(folder, 'other'), '1.0.0-other', (_task, _member, bytes) =>
      withRemark(bytes),
    );
    await enqueue(dataset, 'cancelled', settings, [`stage1=${bundle}`]);
    await whenScored('cancelled', 1);
    // Starting the command takes a while; the run would be over.
    await withSide(settings, (_, { queues }) => queues.pause(STAGE_NAMES));
    const { stdout } = await spinelineOk(['cancel', 'cancelled', '--json'], settings);
    expect(JSON.parse(stdout).removed).toBeGreaterThan(0);
    await withSide(settings, (_, { queues }) => queues.unpause(STAGE_NAMES));
    const status = await watchRun('cancelled', settings);
    expect(status).toMatchObject({ code: 4, end: 'cancelled' });
    expect(status.missing).toBeGreaterThan(0);
    await spinelineOk(['resume', 'cancelled'], settings);
    expect(await watchRun('cancelled', settings)).toMatchObject({ code: 0, scored: STUDIES });
    expect(largestDifference(undisturbed, await resultsOf('cancelled', folder, settings))).toBe(0);
  }, 300_000);

  it('by garbage being collected again and again loses no output that it made, and no study', async () => {
    const { settings, folder } = deployment;
    const { stage2 } = await tinyBundles();
    const bundle = await copyBundle(stage2, join(folder, 'more'), '1.0.0-more', (_task, _member, bytes) =>
      withRemark(bytes),
    );
    await enqueue(dataset, 'swept', settings, [`stage2=${bundle}`]);
    const store = await openStore(settings.SPINELINE_STORE_URL!);
    const runs = new RunStore(store);
    let swept = 0;
    for (let count = 1; count < STUDIES; count++) {
      await whenScored('swept', count);
      const keep = ({ run }: RunRecord) => run === 'swept';
      const report = await collectGarbage(store, runs, { keep, graceMs: 0, dryRun: false });
      expect(report.kept).toMatchObject([{ run: 'swept' }]);
      expect(report.notKept).toContain('flushed');
      swept += OUTPUT_NAMES.reduce((sum, stage) => sum + report.swept[stage].outputs, 0);
    }
    expect(swept).toBeGreaterThan(0);
    const status = await watchRun('swept', settings);
    expect(status).toMatchObject({ code: 0, scored: STUDIES, failures: [] });
    // Its stage 1 is that of the run before: those outputs were reached from the beginning, and stayed.
    expect(status.steps.stage1).toMatchObject({ computed: 0, reused: STUDIES });
    await spinelineOk(['gc', '--keep', 'swept', '--grace', '0m'], settings);
    const outputs = new StageOutputs(store);
    for await (const { steps } of runs.results('swept')) {
      for (const step of STEP_NAMES) expect(await outputs.find(OUTPUTS[step], steps[step].key)).toBeDefined();
    }
    await store.close();
    expect(largestDifference(undisturbed, await resultsOf('swept', folder, settings))).toBe(0);
  }, 300_000);
});
