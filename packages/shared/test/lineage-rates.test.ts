/** How fast a run went: studies by the time in which one was in hand, from the newest runs that computed the step. */

import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { covered, findRates, measureRates } from '../lineage/measured-rates.ts';
import { type RunRecord, RunStore, type StepRecord } from '../runs/index.ts';
import { openStore } from '../store/index.ts';
import { DIGEST, resultOf } from './support/stage-payloads.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

describe('the time that spans cover', () => {
  it.each([
    ['nothing', [], 0],
    ['one', [[2, 5]], 3],
    [
      'apart',
      [
        [0, 1],
        [4, 6],
      ],
      3,
    ],
    [
      'overlapping, in any order',
      [
        [3, 8],
        [0, 4],
        [7, 9],
      ],
      9,
    ],
    [
      'within another',
      [
        [0, 10],
        [2, 3],
        [9, 10],
      ],
      10,
    ],
    [
      'touching',
      [
        [0, 1],
        [1, 2],
      ],
      2,
    ],
  ] as const)('of %s', (_what, spans, length) => {
    expect(covered(spans)).toBe(length);
  });
});

describe('rates', () => {
  const at = (second: number) => new Date(second * 1000).toISOString();
  const step = (finished: number, seconds: number, reused = false): StepRecord => ({
    key: DIGEST,
    reused,
    seconds,
    finished: at(finished),
  });

  async function rig() {
    const runs = new RunStore(await openStore(pathToFileURL(await temporaryFolder()).href));
    const record = async (
      run: string,
      created: number,
      steps: readonly StepRecord[],
      stage3 = steps,
    ): Promise<RunRecord> => {
      const studies = steps.map((_, i) => `s${i}`);
      const dataset = await runs.recordDataset({ studies: () => entries(studies) }, 2);
      const pin = { name: 'none', version: '1', digest: DIGEST };
      const made: RunRecord = {
        schema: 'spineline.run/1',
        run,
        dataset: dataset.digest,
        studies: studies.length,
        bundles: { stage1: pin, stage2: pin, stage3: pin },
        priority: 5,
        created: at(created),
        notice: '',
      };
      await runs.recordRun(made);
      for (const [i, study] of studies.entries()) {
        const one = steps[i]!;
        await runs.writeResult({
          ...resultOf(run, study),
          steps: { stage1: one, xy: one, crops: one, stage3: stage3[i]! },
        });
      }
      return made;
    };
    return { runs, record };
  }

  it('are studies by the time in which at least one was in hand; hits and idle times do not count', async () => {
    const { runs, record } = await rig();
    // 0-4 two at once, idle until 10, 10-12 one more; the fourth was a hit.
    const run = await record('run', 0, [step(3, 3), step(4, 3), step(12, 2), step(100, 50, true)]);
    const rates = await measureRates(run, runs);
    expect(rates.stage1).toEqual({ perSecond: 3 / 6, studies: 3, run: 'run' });
  });

  it('come from the newest run that computed the step, or first from one that is preferred', async () => {
    const { runs, record } = await rig();
    const slow = await record('slow', 0, [step(10, 10)]);
    await record('fast', 1, [step(1, 1)]);
    await record('hits', 2, [step(9, 9, true)], [step(2, 2)]);
    const all = ['stage1', 'stage3'] as const;
    expect(await findRates(runs, all)).toMatchObject({
      stage1: { perSecond: 1, run: 'fast' },
      stage3: { perSecond: 0.5, run: 'hits' },
    });
    expect(await findRates(runs, all, slow)).toMatchObject({ stage1: { run: 'slow' }, stage3: { run: 'slow' } });
    expect(await findRates(runs, [])).toEqual({});
    // A newer run that computed less says less.
    await record('both', 3, [step(4, 4), step(8, 4)]);
    await record('one', 4, [step(1, 1), step(2, 2, true)]);
    expect(await findRates(runs, ['stage1'])).toMatchObject({ stage1: { perSecond: 0.25, run: 'both' } });
  });
});

async function* entries(studies: readonly string[]) {
  for (const study of studies) {
    yield {
      study,
      series: [{ series: '1', instances: [{ location: `file:///nowhere/${study}.dcm`, fingerprint: '1' }] }],
    };
  }
}
