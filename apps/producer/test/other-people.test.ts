/** Small datasets as other people's scanners, exports and spreadsheets write them (`../shared/cases`), scored by the command. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { flagCodes, type ResultsFile, readResults } from './support/results-file.ts';
import { type Finished, spineline, spinelineOk } from './support/spineline-command.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const MAKE = resolve(REPOSITORY, process.env.SPINELINE_TEST_DATA ?? '../shared/data', '../cases/make.py');
const PYTHON = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import pydicom, numpy'], { stdio: 'ignore' }).status === 0,
);

/** Cases that give what the phantom gives, and the flags that tell what was odd. */
const SAME = {
  'implicit-file-meta': [],
  'private-vr-zeros': [],
  'private-vr-question-marks': [],
  'private-implicit-in-explicit': [],
  'siemens-names': [],
  'dicom-suffix': [],
  'csv-with-fold': [],
  'csv-with-pandas-index': [],
  junk: ['series_kind_inferred'],
  'patient-study-series': ['series_kind_inferred'],
  'localizer-first': ['series_kind_inferred'],
  'colour-capture-first': ['series_kind_inferred'],
  'decimal-comma': ['value_repaired'],
  't1-and-t2-swapped': ['description_contradicts_header'],
} as const;

const missing = !existsSync(MAKE)
  ? 'there is no ../shared/cases'
  : !PYTHON
    ? 'no python3 with pydicom and numpy here'
    : redisMissing();

interface Scored extends Finished {
  readonly results: ResultsFile;
}

describe.skipIf(missing)(`other people's data${missing ? ` (${missing})` : ''}`, () => {
  let folder = '';
  let plain: Scored;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spineline-cases-'));
    await spinelineOk(['phantom', join(folder, 'base'), '--studies', '1', '--seed', '5']);
    execFileSync(PYTHON!, [MAKE, join(folder, 'base'), join(folder, 'cases')], { stdio: 'ignore' });
    plain = await score('plain');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const cases = new Map<string, Promise<Scored>>();

  /** Each case is scored once. */
  function score(name: string): Promise<Scored> {
    const scored = cases.get(name) ?? scoreNow(name);
    cases.set(name, scored);
    return scored;
  }

  async function scoreNow(name: string): Promise<Scored> {
    const out = join(folder, 'out', name);
    const finished = await spineline(['score', join(folder, 'cases', name), '--out', out]);
    return { ...finished, results: await readResults(join(out, 'results.json')) };
  }

  function severities({ results }: Scored): number[] {
    expect(results.studies).toHaveLength(1);
    return results.studies[0]!.targets.flatMap((target) => target.severities);
  }

  it.for(Object.entries(SAME))('%s gives what the plain phantom gives', async ([name, expected]) => {
    const scored = await score(name);
    expect(scored.code, scored.stderr).toBe(0);
    const found = severities(scored);
    const differences = severities(plain).map((value, i) => Math.abs(value - found[i]!));
    expect(differences).toHaveLength(75);
    expect(Math.max(...differences)).toBeLessThanOrEqual(1e-6);
    expect(flagCodes(scored.results.studies[0]!)).toEqual(expect.arrayContaining([...expected]));
    if (expected.length === 0) {
      expect(flagCodes(scored.results.studies[0]!)).toEqual(flagCodes(plain.results.studies[0]!));
    }
  });

  it('never takes its own output folder for a study, the second time neither', async () => {
    const dataset = join(folder, 'cases', 'localizer-first');
    for (const studies of ['1 study: 1 scored', '1 study: 1 scored']) {
      const scored = await spineline(['score', dataset, '--out', join(dataset, 'out')]);
      expect(scored.code, scored.stderr).toBe(0);
      expect(scored.stdout).toContain(studies);
    }
  });

  it('lists the foreign images with the reason', async () => {
    for (const [name, images, reason] of [
      ['localizer-first', 3, /localizer/i],
      ['colour-capture-first', 1, /capture|colour/i],
    ] as const) {
      const [study] = (await score(name)).results.studies;
      const rejected = study!.rejected ?? [];
      expect(rejected.reduce((sum, one) => sum + one.images, 0)).toBe(images);
      for (const one of rejected) expect(one.reason).toMatch(reason);
    }
  });

  it('refuses Modality CT, and says so', async () => {
    const scored = await score('modality-ct');
    expect(scored.code).toBe(3);
    expect(scored.results.studies).toEqual([]);
    expect(scored.results.failures).toMatchObject([{ code: 'STUDY_WITHOUT_SERIES', attempts: 1 }]);
    expect(scored.results.failures[0]!.message).toMatch(/CT/);
    expect(scored.stdout).toContain('STUDY_WITHOUT_SERIES');
  });
});
