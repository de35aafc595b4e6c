/**
 * A night with bad studies: every other study is scored, each bad one is scored with flags or listed with the reason.
 * And whatever goes wrong, nothing about the patient leaves the DICOM files.
 */

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { FailureRecord } from '@spineline/shared/runs';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyTo, phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { cutInHalf, filesBelow, overwriteAll, plantPatient, removeSeries } from './support/bad-files.ts';
import { type Deployment, resultsOf, startDeployment } from './support/deployment.ts';
import { flagCodes, type ResultsFile } from './support/results-file.ts';
import { type Finished, spineline, spinelineOk } from './support/spineline-command.ts';
import { startPools } from './support/worker.ts';

const STUDIES = 9;
const RUN = 'bad-night';
const KINDS = ['sagittal_t2', 'sagittal_t1', 'axial_t2'] as const;
const missing = redisMissing();

describe.skipIf(missing)(`a dataset with bad studies${missing ? ` (${missing})` : ''}`, () => {
  let deployment: Deployment;
  /** Ids of the bad studies by what is bad about them. */
  const bad = { slice: '', series: '', folder: '', noAxial: '', everything: '' };
  /** `series[study][kind]`. */
  let series: Record<string, Record<(typeof KINDS)[number], string>>;
  let cutFile = '';
  let patient: string[] = [];
  let enqueued: Finished;
  let status: Finished;
  let failed: Finished;
  let results: ResultsFile;
  /** Everything that was said, sent to Redis or measured. */
  const traces = { logs: '', redis: '', metrics: '', output: '' };

  beforeAll(async () => {
    deployment = await startDeployment(async (folder) => {
      const dataset = join(folder, 'phantom');
      await copyTo(await phantomDataset({ studies: STUDIES }), dataset);
      patient = await plantPatient(join(dataset, 'train_images'));
      series = await seriesOf(dataset);
      [bad.slice = '', bad.series = '', bad.folder = '', bad.noAxial = '', bad.everything = ''] = Object.keys(series);
      const of = (study: string, kind: (typeof KINDS)[number]) =>
        join(dataset, 'train_images', study, series[study]![kind]);
      cutFile = (await filesBelow(of(bad.slice, 'sagittal_t2'))).sort()[4]!;
      await cutInHalf(cutFile);
      await overwriteAll(of(bad.series, 'sagittal_t1'));
      await rm(join(dataset, 'train_images', bad.folder), { recursive: true });
      await removeSeries(dataset, bad.noAxial, series[bad.noAxial]!.axial_t2);
      await overwriteAll(join(dataset, 'train_images', bad.everything));
    });
    const { settings, folder, redis } = deployment;
    const client = new Redis(redis.url);
    const monitor = await client.monitor();
    const sent: string[] = [];
    monitor.on('monitor', (_time: string, command: string[]) => sent.push(command.join(' ')));
    const pools = await startPools(1, { ...settings, SPINELINE_LOG_LEVEL: 'trace' });
    enqueued = await spinelineOk(['enqueue', join(folder, 'phantom'), '--run', RUN], settings);
    status = await spineline(['status', RUN, '--watch'], settings);
    failed = await spineline(['failed', RUN], settings);
    results = await resultsOf(RUN, folder, settings);
    for (const { health } of pools.workers) traces.metrics += await (await fetch(`${health}/metrics`)).text();
    await pools.stop();
    traces.logs = pools
      .lines(() => true)
      .map((line) => JSON.stringify(line))
      .join('\n');
    traces.redis = sent.join('\n');
    traces.output = [enqueued, status, failed].map(({ stdout, stderr }) => stdout + stderr).join('\n');
    monitor.disconnect();
    client.disconnect();
  }, 300_000);
  afterAll(() => deployment?.stop());

  const resultOf = (study: string) => results.studies.find((one) => one.study === study)!;

  it('scores every study that can be, and says with its exit code that some could not', () => {
    expect(status.code).toBe(3);
    expect(status.stdout).toContain('9 studies: 7 scored, 2 failed');
    expect(results.studies).toHaveLength(7);
    expect(results.failures.map(({ study }) => study).sort()).toEqual([bad.folder, bad.everything].sort());
    for (const { targets } of results.studies) expect(targets).toHaveLength(25);
  });

  it('leaves the good studies without a flag of damage', () => {
    const good = results.studies.filter(({ study }) => !Object.values(bad).includes(study));
    expect(good).toHaveLength(4);
    for (const study of good) {
      expect(flagCodes(study).filter((code) => /unreadable|missing|problem|class_shares/.test(code))).toEqual([]);
    }
  });

  it('scores a study with one corrupt slice from the others, and names the file', () => {
    const { flags, targets } = resultOf(bad.slice);
    const flag = flags.find(({ code }) => code === 'slice_unreadable');
    expect(flag).toMatchObject({ kind: 'sagittal_t2', series: series[bad.slice]!.sagittal_t2 });
    expect(cutFile.endsWith(`/${flag?.instance}`)).toBe(true);
    expect(flag?.detail).toMatch(/expected .*found /);
    expect(targets.some(({ classShares }) => classShares)).toBe(false);
  });

  it('scores a study with an unreadable series from the other series, and says which views are missing', () => {
    const result = resultOf(bad.series);
    const unreadable = result.flags.find(({ code }) => code === 'series_unreadable');
    expect(unreadable).toMatchObject({ kind: 'sagittal_t1', series: series[bad.series]!.sagittal_t1 });
    expect(flagCodes(result)).toEqual(expect.arrayContaining(['series_kind_missing', 'view_missing']));
    for (const { condition, slice, axial } of result.targets) {
      if (!condition.endsWith('foraminal_narrowing')) continue;
      expect(slice).toBeNull();
      expect(axial).not.toBeNull();
    }
  });

  it('gives the class shares where a target has no view at all, and says so', () => {
    const result = resultOf(bad.noAxial);
    expect(result.flags).toContainEqual({ code: 'series_kind_missing', kind: 'axial_t2' });
    expect(flagCodes(result)).toEqual(expect.arrayContaining(['class_shares_used', 'view_missing']));
    for (const { condition, classShares, axial } of result.targets) {
      expect(axial).toBeNull();
      expect(classShares).toBe(condition.endsWith('subarticular_stenosis'));
    }
  });

  it('lists what failed with study, series, file and reason', async () => {
    expect(failed.code).toBe(3);
    expect(failed.stdout).toContain('2 failed');
    const { code, stdout } = await spineline(['failed', RUN, '--json'], deployment.settings);
    expect(code).toBe(3);
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => FailureRecord.parse(JSON.parse(line)));
    const [folder, everything] = [bad.folder, bad.everything].map((id) => records.find(({ study }) => study === id)!);
    expect(folder).toMatchObject({ stage: 'stage1', code: 'STUDY_WITHOUT_IMAGES', kind: 'permanent', attempts: 1 });
    expect(folder!.found).toContain('no folder');
    for (const name of Object.values(series[bad.folder]!)) expect(folder!.series).toContain(name);
    expect(everything).toMatchObject({ stage: 'stage1', code: 'STUDY_UNREADABLE', kind: 'permanent', attempts: 1 });
    expect(Object.values(series[bad.everything]!)).toContain(everything!.series);
    expect(everything!.file).toMatch(/^\d+\.dcm$/);
    for (const { study, code: reason, message } of records) {
      expect(failed.stdout).toContain(message);
      expect(status.stdout).toContain(`${study}  ${reason}`);
    }
    expect(results.failures).toHaveLength(records.length);
    expect(results.failures).toEqual(expect.arrayContaining(records));
  });

  it('keeps what the DICOM files say about the patient out of logs, Redis, metrics and output', () => {
    for (const trace of Object.values(traces)) {
      expect(trace.length).toBeGreaterThan(1000);
      for (const secret of patient) expect(trace).not.toContain(secret);
      expect(trace).not.toMatch(/2\.25\.\d{10}/); // UIDs of study, series, frame of reference and instances
    }
    expect(traces.redis).not.toContain('/train_images/'); // nor where the images lie
    expect(traces.logs).toContain(bad.everything);
  });

  it('keeps it out of every object in the store', async () => {
    const images = await filesBelow(join(deployment.folder, 'phantom', 'train_images'));
    const whole = (await Promise.all(images.map((file) => readFile(file, 'latin1')))).filter((text) =>
      text.includes('MR'),
    );
    expect(whole.every((text) => text.includes(patient[0]!) && /2\.25\.\d{10}/.test(text))).toBe(true);
    const objects = await filesBelow(fileURLToPath(deployment.settings.SPINELINE_STORE_URL!));
    const kinds = new Set(objects.map((object) => object.split('.').at(-1)));
    expect([...kinds].sort()).toEqual(['json', 'onnx', 'u12', 'zst']);
    for (const object of objects) {
      const bytes = await readFile(object);
      const text = (object.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString('latin1');
      for (const secret of [...patient, /2\.25\.\d{10}/]) expect(text.search(secret), object).toBe(-1);
    }
  });
});

/** Series by study and kind, studies in the order of the descriptions. */
async function seriesOf(dataset: string): Promise<Record<string, Record<(typeof KINDS)[number], string>>> {
  const csv = await readFile(join(dataset, 'train_series_descriptions.csv'), 'utf8');
  const found: [string, Record<(typeof KINDS)[number], string>][] = [];
  const rows = csv
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  for (let first = 0; first < rows.length; first += KINDS.length) {
    const kinds = KINDS.map((kind, i) => [kind, rows[first + i]![1]!]);
    found.push([`${rows[first]![0]}`, Object.fromEntries(kinds) as Record<(typeof KINDS)[number], string>]);
  }
  // Ids are digits: as names of properties they are sorted, which is as good an order as any.
  return Object.fromEntries(found);
}
