/** Two studies off a real scanner, scored as a user would: one command, all embedded. */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TARGETS } from '@spineline/shared/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRunning } from '../../../packages/shared/test/support/guarded-process.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { tinyModels } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { flagCodes, type ResultsFile, readResults } from './support/results-file.ts';
import { type Finished, spineline } from './support/spineline-command.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const DATASET = resolve(REPOSITORY, process.env.SPINELINE_TEST_DATA ?? '../shared/data', 'scanner-phantom');
const missing = existsSync(DATASET) ? redisMissing() : 'there is no scanner-phantom: set SPINELINE_TEST_DATA';

describe.skipIf(missing)(`spineline score of the scanner phantom${missing ? ` (${missing})` : ''}`, () => {
  let folder = '';
  let temporary = '';
  let out = '';
  let scored: Finished;
  let results: ResultsFile;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spineline-test-'));
    [temporary, out] = [join(folder, 'temporary'), join(folder, 'out')];
    await mkdir(temporary);
    scored = await spineline(['score', DATASET, '--out', out, ...(await tinyModels())], { TMPDIR: temporary });
    expect(scored.stderr).not.toMatch(/error/i);
    results = await readResults(join(out, 'results.json'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('exits 0 and scores both studies', () => {
    expect(scored.code).toBe(0);
    expect(scored.stdout).toContain('2 studies: 2 scored, 0 failed');
    expect(results.failures).toEqual([]);
  });

  it('writes 50 rows in the order of the challenge, each summing to 1', async () => {
    const [header, ...rows] = (await readFile(join(out, 'submission.csv'), 'utf8')).trimEnd().split('\n');
    expect(header).toBe('row_id,normal_mild,moderate,severe');
    const names = TARGETS.map(({ name }) => name).sort();
    expect(names).toHaveLength(25);
    expect(rows.map((row) => row.split(',')[0])).toEqual(
      ['1486', '1487'].flatMap((study) => names.map((name) => `${study}_${name}`)),
    );
    for (const row of rows) {
      const probabilities = row.split(',').slice(1).map(Number);
      expect(Math.abs(probabilities.reduce((sum, value) => sum + value, 0) - 1)).toBeLessThanOrEqual(1e-6);
      for (const value of probabilities) expect(value).toBeGreaterThan(0);
    }
  });

  it('flags the T1 series that is in another frame of reference, and that one alone', () => {
    for (const { flags, series } of results.studies) {
      expect(flags.filter(({ code }) => code === 'frame_of_reference_differs')).toEqual([
        { code: 'frame_of_reference_differs', kind: 'sagittal_t1', series: '102' },
      ]);
      const frames = Object.fromEntries(series.map((one) => [one.series, one.frameOfReference]));
      expect(frames).toEqual({ 101: 0, 102: 1, 103: 0, 104: 0 });
    }
  });

  it('pools the two axial series of different size, and says so', () => {
    for (const study of results.studies) {
      expect(flagCodes(study)).toEqual(expect.arrayContaining(['axial_series_pooled', 'slice_sizes_differ']));
      const pooled = study.flags.find(({ code }) => code === 'axial_series_pooled');
      expect(pooled?.detail).toBe('series 103 (256x256), series 104 (64x64)');
      const axial = study.series.filter(({ kind }) => kind === 'axial_t2');
      expect(axial.map(({ series, used, rows, columns }) => [series, used, rows, columns])).toEqual([
        ['103', true, 256, 256],
        ['104', true, 64, 64],
      ]);
      for (const target of study.targets) {
        const place = target.axial!;
        const { rows, columns, instances } = axial.find(({ series }) => series === place.series)!;
        expect(instances).toContain(place.instance);
        expect(place.x).toBeLessThanOrEqual(columns);
        expect(place.y).toBeLessThanOrEqual(rows);
      }
    }
  });

  it('still has the sagittal view of the foramina, which needs no frame of reference', () => {
    for (const { targets, flags } of results.studies) {
      const foramina = targets.filter(({ condition }) => condition.endsWith('neural_foraminal_narrowing'));
      expect(foramina).toHaveLength(10);
      for (const { slice, classShares } of foramina) {
        expect(slice?.series).toBe('102');
        expect(classShares).toBe(false);
      }
      expect(flags.map(({ code }) => code)).not.toContain('view_missing');
    }
  });

  it('shows the notice of the models wherever it shows a severity', () => {
    expect(results.notice).toContain('NOT FOR CLINICAL USE');
    expect(scored.stdout).toContain(results.notice);
    for (const { notice } of results.studies) expect(notice).toBe(results.notice);
  });

  it('leaves no process and no temporary file behind', async () => {
    const logs = await readdir(join(out, 'logs'));
    expect(logs.sort()).toEqual(['stage1.log', 'stage2.log', 'stage3.log']);
    for (const log of logs) {
      const pids = [...(await readFile(join(out, 'logs', log), 'utf8')).matchAll(/"pid":(\d+)/g)];
      expect(pids.length).toBeGreaterThan(0);
      for (const [, pid] of pids) expect(isRunning(Number(pid))).toBe(false);
    }
    // The folder of the private Redis is removed after the server has ended; ONNX Runtime's telemetry, if it were on,
    // would leave a device id and a log here.
    expect(await readdir(temporary)).toEqual([]);
  });
});
