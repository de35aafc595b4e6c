/**
 * `spineline results` as a user runs it, on runs written into a store by hand: what is in a submission, and what is said
 * with it.
 */

import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEMO_BUNDLES } from '@spineline/shared/control';
import { TARGETS } from '@spineline/shared/domain';
import { readSubmission } from '@spineline/shared/evaluation';
import { type BundleOf, pushBundle, readBundleFolder } from '@spineline/shared/models';
import { type RunRecord, RunStore } from '@spineline/shared/runs';
import { type ObjectStore, openStore } from '@spineline/shared/store';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../../packages/shared/test/support/temporary-folder.ts';
import { spineline } from './support/in-process.ts';
import { syntheticResult, syntheticRun } from './support/synthetic-run.ts';

const NOTICE = 'A notice of these models: NOT FOR CLINICAL USE.';
const NO_IMAGE = 'Their rows say how frequent each severity is in the training set; no image was looked at for them.';
const DEMO = await readBundleFolder(join(DEMO_BUNDLES, 'stage3'));

interface Made {
  readonly studies: number;
  /** Study to the number of its targets that are class shares. */
  readonly scored: Readonly<Record<string, number>>;
  readonly failed?: readonly string[];
  readonly changes?: Partial<RunRecord>;
  /** What the run pins in place of the demo's severity bundle. */
  readonly bundle?: (store: ObjectStore) => Promise<RunRecord['bundles']['stage3']>;
}

/** A run `tonight` in a store of its own. */
async function written({ studies, scored, failed = [], changes, bundle = (store) => pushBundle(store, DEMO) }: Made) {
  const folder = await temporaryFolder();
  const url = pathToFileURL(join(folder, 'store')).href;
  const store = await openStore(url);
  onTestFinished(() => store.close());
  const runs = new RunStore(store);
  const plain = syntheticRun('tonight', studies, { notice: NOTICE, ...changes });
  const run = { ...plain, bundles: { ...plain.bundles, stage3: await bundle(store) } };
  await runs.recordRun(run);
  for (const [study, shares] of Object.entries(scored)) {
    const result = syntheticResult(run, study);
    const targets = result.targets.map((target, i) => ({ ...target, classShares: i < shares }));
    await runs.writeResult({ ...result, targets });
  }
  for (const study of failed) {
    await runs.writeFailure({
      schema: 'spineline.failure/1',
      run: run.run,
      study,
      stage: 'stage3',
      code: 'STUDY_TOO_FEW_VIEWS',
      kind: 'permanent',
      message: 'made to fail',
      attempts: 1,
      failed: new Date(0).toISOString(),
    });
  }
  const file = join(folder, 'submission.csv');
  const results = (...more: string[]) => spineline(['results', 'tonight', '--store', url, '--out', file, ...more]);
  /** The studies in the file, in its order; each has 25 rows beside one another. */
  const studiesIn = async () => {
    const rows = await readSubmission(file);
    const order = rows.map(({ study }) => study).filter((study, i, all) => study !== all[i - 1]);
    expect(rows).toHaveLength(TARGETS.length * order.length);
    return order;
  };
  const notice = async () => (await readFile(`${file}.notice.txt`, 'utf8')).trimEnd().split('\n');
  return { file, url, results, studiesIn, notice };
}

describe('a submission', () => {
  it('has no row of a study that failed, and its notice counts those and the class shares', async () => {
    const { url, results, studiesIn, notice } = await written({
      studies: 5,
      scored: { '2': 10, '10': 0, '33': 5 },
      failed: ['9', '100'],
    });
    const { code, stderr } = await results();
    expect(code).toBe(3);
    expect(await studiesIn()).toEqual(['2', '10', '33']);
    const remarks = [
      `Class shares: 15 of 75 targets, in 2 of 3 scored studies, had no view. ${NO_IMAGE}`,
      `Not in the file: 2 studies that failed (spineline failed tonight --store ${url}).`,
    ];
    expect(await notice()).toEqual([NOTICE, ...remarks]);
    expect(stderr).toContain('3 studies written\n');
    for (const text of [NOTICE, ...remarks]) expect(stderr).toContain(text);
  });

  it('has those rows where --fill-failed asks for it: class shares of the pinned bundle, in natural order', async () => {
    const { file, results, studiesIn, notice } = await written({
      studies: 6,
      scored: { '2': 0, '10': 0 },
      failed: ['1', '9', '100', 'x'],
    });
    const { code, stderr } = await results('--format', 'challenge', '--fill-failed');
    expect(code).toBe(3);
    expect(await studiesIn()).toEqual(['1', '2', '9', '10', '100', 'x']);
    const { classShares } = DEMO.bundle as BundleOf<3>;
    const failed = new Set(['1', '9', '100', 'x']);
    for (const { study, target, probabilities } of await readSubmission(file)) {
      const shares = failed.has(study) ? classShares[target.condition][target.level] : [0.7, 0.2, 0.1];
      const sum = shares.reduce((a, b) => a + b, 0);
      probabilities.forEach((value, i) => {
        expect(value, `${study} ${target.name}`).toBeCloseTo(shares[i]! / sum, 6);
      });
    }
    const remark = `Filled with class shares: 4 studies that failed. ${NO_IMAGE}`;
    expect(await notice()).toEqual([NOTICE, remark]);
    expect(stderr).toContain('6 studies written, 4 of them filled with class shares\n');
    expect(stderr).toContain(remark);
  });

  it('is filled with nothing for studies that are neither scored nor failed', async () => {
    const { url, results, studiesIn, notice } = await written({ studies: 4, scored: { '1': 0 }, failed: ['2'] });
    expect((await results('--fill-failed')).code).toBe(4);
    expect(await studiesIn()).toEqual(['1', '2']);
    expect((await notice()).at(-1)).toBe('Not in the file: 2 studies neither scored nor failed.');
    expect((await results()).code).toBe(4);
    expect(await studiesIn()).toEqual(['1']);
    expect((await notice()).slice(1)).toEqual([
      `Not in the file: 1 study that failed (spineline failed tonight --store ${url}).`,
      'Not in the file: 2 studies neither scored nor failed.',
    ]);
  });

  it('of failures alone is class shares alone, or the header', async () => {
    const { file, results, studiesIn } = await written({ studies: 2, scored: {}, failed: ['b', 'a'] });
    expect((await results('--fill-failed')).code).toBe(3);
    expect(await studiesIn()).toEqual(['a', 'b']);
    expect((await results()).code).toBe(3);
    expect(await readFile(file, 'utf8')).toBe('row_id,normal_mild,moderate,severe\n');
  });

  it('has a notice if there is anything to say, whatever the models say, and none that is old', async () => {
    const quiet = await written({ studies: 1, scored: { '1': 0 }, changes: { notice: '' } });
    await writeFile(`${quiet.file}.notice.txt`, 'of another run\n');
    expect((await quiet.results()).code).toBe(0);
    expect(existsSync(`${quiet.file}.notice.txt`)).toBe(false);
    const shares = await written({ studies: 1, scored: { '1': 1 }, changes: { notice: '' } });
    expect((await shares.results()).code).toBe(0);
    const said = `Class shares: 1 of 25 targets, in 1 of 1 scored study, had no view. ${NO_IMAGE}`;
    expect(await shares.notice()).toEqual([said]);
  });

  it('on standard output is the rows alone; what is to be said is on standard error', async () => {
    const { results, file } = await written({ studies: 2, scored: { '1': 3 }, failed: ['2'] });
    const { code, stdout, stderr } = await results('--out', '-');
    expect(code).toBe(3);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1 + 25);
    expect(stderr).toContain('Class shares: 3 of 25 targets');
    expect(stderr).toContain('Not in the file: 1 study that failed');
    expect(existsSync(`${file}.notice.txt`)).toBe(false);
  });
});

describe('--fill-failed is refused', () => {
  it('for results.json, and nothing is written', async () => {
    const { file, results } = await written({ studies: 1, scored: {}, failed: ['1'] });
    const { code, stderr } = await results('--format', 'json', '--fill-failed');
    expect([code, stderr]).toEqual([2, expect.stringContaining('expected --format challenge; found --format json')]);
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    ['is not in the store', 'BUNDLE_MISSING', async () => ({ name: 'gone', version: '7', digest: 'ab'.repeat(32) })],
    [
      'is not the one that was pinned',
      'BUNDLE_DIGEST_MISMATCH',
      async (store: ObjectStore) => ({ ...(await pushBundle(store, DEMO)), digest: 'ab'.repeat(32) }),
    ],
  ])('where the bundle %s, and nothing is written', async (_, expected, bundle) => {
    const { file, results } = await written({ studies: 1, scored: {}, failed: ['1'], bundle });
    const { code, stderr } = await results('--fill-failed');
    expect(code).toBe(2);
    expect(stderr).toContain(expected);
    expect(stderr).toContain('the class shares of run tonight are not available');
    expect(stderr).toContain('or omit --fill-failed');
    expect(existsSync(file)).toBe(false);
    // Without the flag no bundle is needed.
    expect((await results()).code).toBe(3);
  });
});
