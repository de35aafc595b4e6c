/**
 * A study of which most would be class shares, through `score` with the three workers: it is not scored, it is said why,
 * and it can be tried again where that is wanted.
 */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compareNatural } from '@spineline/shared/dataset';
import type { RunSummary } from '@spineline/shared/reports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FailureRecord } from '../../../packages/shared/runs/records.ts';
import { copyTo, phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { tinyModels } from '../../../packages/shared/test/support/tiny-bundles.ts';
import * as inProcess from './support/in-process.ts';
import { type ResultsFile, readResults } from './support/results-file.ts';
import { type Finished, spineline, spinelineOk } from './support/spineline-command.ts';

const TIMEOUT_MS = 180_000;
const missing = redisMissing();
const DESCRIPTIONS = ['train_series_descriptions.csv', 'test_series_descriptions.csv'];

describe.skipIf(missing)(`studies with too few views${missing ? ` (${missing})` : ''}`, () => {
  let folder = '';
  let scored: Finished;
  /** What the first run had come to before a test tried it again. */
  let first: { severities: number; failed: Finished; failedJson: Finished; results: Finished };
  /** Of the first study only the Sagittal T1 series is left, of the second all but the axial ones. */
  let blind = '';
  let partly = '';
  let models: string[];
  const out = (name: string) => join(folder, name);
  const dataset = () => out('dataset');
  const store = () => ['--store', pathToFileURL(out('store')).href];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spineline-test-'));
    await copyTo(await phantomDataset({ studies: 2 }), dataset());
    models = await tinyModels();
    [blind, partly] = (await readdir(join(dataset(), 'train_images'))).sort(compareNatural) as [string, string];
    for (const file of DESCRIPTIONS) {
      const [header, ...rows] = (await readFile(join(dataset(), file), 'utf8')).trimEnd().split('\n');
      const isGone = (row: string) => (row.startsWith(blind) ? !row.endsWith('Sagittal T1') : row.endsWith('Axial T2'));
      for (const [study, series] of rows.filter(isGone).map((row) => row.split(','))) {
        await rm(join(dataset(), 'train_images', study!, series!), { recursive: true, force: true });
      }
      await writeFile(join(dataset(), file), `${[header, ...rows.filter((row) => !isGone(row))].join('\n')}\n`);
    }
    scored = await spineline(['score', dataset(), '--out', out('first'), ...store(), ...models, '--run', 'first']);
    first = {
      severities: await severitiesStored(),
      failed: await inProcess.spineline(['failed', 'first', ...store()]),
      failedJson: await inProcess.spineline(['failed', 'first', '--json', ...store()]),
      results: await inProcess.spineline(['results', 'first', ...store(), '--out', out('again.csv')]),
    };
  }, TIMEOUT_MS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const severitiesStored = async () =>
    (await readdir(out('store'), { recursive: true })).filter((name) => name.endsWith('severity.json')).length;

  it('fail, and the summary and the exit code say so', () => {
    expect(scored.code).toBe(3);
    expect(scored.stdout).toContain('2 studies: 1 scored, 1 failed');
    expect(scored.stdout).toContain('25 rows per scored study');
    expect(scored.stdout).toContain(`${blind}  STUDY_TOO_FEW_VIEWS  study ${blind}: 15 of 25 targets have no view`);
    expect(scored.stdout).toMatch(/^ {6}missing: no usable Sagittal T2\/STIR series, no usable Axial T2 series$/m);
    expect(scored.stdout).toContain('Class shares: 10 of 25 targets, in 1 of 1 scored study');
  });

  it('end with lines to copy, which work as they are', async () => {
    const lines = scored.stdout.split('\n').flatMap((line) => line.match(/^ +npx spineline (.*)$/)?.[1] ?? []);
    expect(lines).toEqual([`failed first ${store().join(' ')}`, `show first ${partly} ${store().join(' ')}`]);
    const [failed, shown] = await Promise.all(lines.map((line) => spineline(line.split(' '))));
    expect([failed!.code, shown!.code]).toEqual([3, 0]);
    expect(shown!.stdout).toContain(`study ${partly}`);
  });

  it('have no severities in the store, and a failure that programs can read', () => {
    expect(first.severities).toBe(1);
    expect([first.failed.code, first.failedJson.code]).toEqual([3, 3]);
    const failure = JSON.parse(first.failedJson.stdout) as FailureRecord;
    expect(failure).toMatchObject({ study: blind, stage: 'stage3', kind: 'permanent', attempts: 1 });
    expect(failure.found).toMatch(
      /^series \d+ read as Sagittal T1 \(\d+ slices\); missing: no usable Sagittal T2\/STIR series, no usable Axial T2 series$/,
    );
    expect(failure.views).toMatchObject({ targets: 25, allowed: 0.5, series: [{ kind: 'sagittal_t1', used: true }] });
    expect(failure.views!.withoutView).toHaveLength(15);
    expect(first.failed.stdout).toContain('1 failed: 1 STUDY_TOO_FEW_VIEWS');
  });

  it('are in no submission, which says so, and in results.json as failures', async () => {
    const rows = (await readFile(join(out('first'), 'submission.csv'), 'utf8')).trimEnd().split('\n');
    expect(rows).toHaveLength(1 + 25);
    expect(rows.slice(1).every((row) => row.startsWith(`${partly}_`))).toBe(true);
    const notice = await readFile(join(out('first'), 'submission.csv.notice.txt'), 'utf8');
    expect(notice).toContain('NOT FOR CLINICAL USE');
    expect(notice).toContain('Class shares: 10 of 25 targets, in 1 of 1 scored study');
    expect(notice).toContain(`Not in the file: 1 study that failed (spineline failed first ${store().join(' ')})`);
    const { studies, failures }: ResultsFile = await readResults(join(out('first'), 'results.json'));
    expect(studies.map(({ study }) => study)).toEqual([partly]);
    expect(failures.map(({ study, code }) => [study, code])).toEqual([[blind, 'STUDY_TOO_FEW_VIEWS']]);
    expect(first.results.code).toBe(3);
  });

  it(
    'are scored when more is allowed and they are tried again; what was computed is found',
    async () => {
      // The rule is off: the failure goes, and only stage 3 has anything left to do.
      const retried = await spinelineOk(['retry', 'first', '--out', out('retried'), ...store(), '--json'], {
        SPINELINE_MAX_CLASS_SHARES: '1',
      });
      const summary = JSON.parse(retried.stdout) as RunSummary;
      expect(summary).toMatchObject({ scored: 2, failed: 0, classShareTargets: 25, classShareStudies: 2 });
      const { studies } = await readResults(join(out('retried'), 'results.json'));
      const { steps, targets } = studies.find(({ study }) => study === blind)!;
      expect([steps.stage1.reused, steps.xy.reused, steps.crops.reused, steps.stage3.reused]).toEqual([
        true,
        true,
        true,
        false,
      ]);
      expect(targets.filter(({ classShares }) => classShares)).toHaveLength(15);

      // The rule holds for what is in the store by now, too: a new run may not find its way around it.
      expect(await severitiesStored()).toBe(2);
      const again = await spineline(['score', dataset(), '--out', out('second'), ...store(), ...models, '--json']);
      expect(again.code).toBe(3);
      expect(JSON.parse(again.stdout)).toMatchObject({
        scored: 1,
        failed: 1,
        failures: [{ code: 'STUDY_TOO_FEW_VIEWS' }],
      });
    },
    TIMEOUT_MS,
  );

  it(
    'are those of any share that is set',
    async () => {
      const strict = await spineline(['score', dataset(), '--out', out('strict'), ...store(), ...models, '--json'], {
        SPINELINE_MAX_CLASS_SHARES: '0.39',
      });
      expect(strict.code).toBe(3);
      const { failures, scored: none } = JSON.parse(strict.stdout) as RunSummary;
      expect(none).toBe(0);
      expect(failures.map(({ study }) => study)).toEqual([blind, partly]);
      expect(failures[1]!.message).toContain('10 of 25 targets have no view');
      expect(failures[1]!.message).toContain('expected at most 9 without a view (SPINELINE_MAX_CLASS_SHARES is 0.39)');
      const { stdout } = await inProcess.spineline(['failed', String(JSON.parse(strict.stdout).run), ...store()]);
      expect(stdout).toContain('2 failed: 2 STUDY_TOO_FEW_VIEWS');
    },
    TIMEOUT_MS,
  );
});
