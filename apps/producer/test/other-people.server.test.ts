/** Small datasets as other people's scanners, exports and spreadsheets write them (`../shared/cases`), scored by workers. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { pythonWith } from '../../../packages/shared/test/support/python-with.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { tinyModels } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { type Deployment, enqueue, resultsOf, type Status, startDeployment, watchRun } from './support/deployment.ts';
import { flagCodes, type ResultsFile } from './support/results-file.ts';
import { spinelineOk } from './support/spineline-command.ts';
import { type Pools, startPools } from './support/worker.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const MAKE = resolve(REPOSITORY, process.env.SPINELINE_TEST_DATA ?? '../shared/data', '../cases/make.py');
const PYTHON = pythonWith('pydicom', 'numpy');

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

interface Scored {
  readonly status: Status;
  readonly results: ResultsFile;
}

describe.skipIf(missing)(`other people's data${missing ? ` (${missing})` : ''}`, () => {
  let deployment: Deployment;
  let pools: Pools;
  /** Each case is a run of its own, by its name. */
  const cases = new Map<string, Scored>();
  const caseFolder = (name: string) => join(deployment.folder, 'cases', name);

  beforeAll(async () => {
    const base = await phantomDataset({ studies: 1 });
    deployment = await startDeployment(async (folder) => {
      execFileSync(PYTHON!, [MAKE, base, join(folder, 'cases')], { stdio: 'ignore' });
    });
    const { settings, folder } = deployment;
    pools = await startPools(1, settings);
    const names = ['plain', 'modality-ct', ...Object.keys(SAME)];
    for (const name of names) await enqueue(caseFolder(name), name, settings);
    for (const name of names) {
      cases.set(name, { status: await watchRun(name, settings), results: await resultsOf(name, folder, settings) });
    }
  });
  afterAll(async () => {
    await pools?.stop();
    await deployment?.stop();
  });

  const scored = (name: string) => cases.get(name)!;

  function severities({ results }: Scored): number[] {
    expect(results.studies).toHaveLength(1);
    return results.studies[0]!.targets.flatMap((target) => target.severities);
  }

  it.for(Object.entries(SAME))('%s gives what the plain phantom gives', ([name, expected]) => {
    const [plain, found] = [scored('plain'), scored(name)];
    expect(found.status).toMatchObject({ code: 0, failures: [] });
    const [wanted, values] = [severities(plain), severities(found)];
    expect(values).toHaveLength(75);
    expect(Math.max(...values.map((value, i) => Math.abs(value - wanted[i]!)))).toBeLessThanOrEqual(1e-6);
    const codes = flagCodes(found.results.studies[0]!);
    expect(codes).toEqual(expect.arrayContaining([...expected]));
    if (expected.length === 0) expect(codes).toEqual(flagCodes(plain.results.studies[0]!));
  });

  it('never takes its own output folder for a study, the second time neither', async () => {
    const dataset = caseFolder('localizer-first');
    for (const _ of ['first', 'second']) {
      const models = await tinyModels();
      const { stdout } = await spinelineOk(['score', dataset, '--out', join(dataset, 'out'), ...models]);
      expect(stdout).toContain('1 study: 1 scored');
    }
  });

  it('lists the foreign images with the reason', () => {
    for (const [name, images, reason] of [
      ['localizer-first', 3, /localizer/i],
      ['colour-capture-first', 1, /capture|colour/i],
    ] as const) {
      const [study] = scored(name).results.studies;
      const rejected = study!.rejected ?? [];
      expect(rejected.reduce((sum, one) => sum + one.images, 0)).toBe(images);
      for (const one of rejected) expect(one.reason).toMatch(reason);
    }
  });

  it('refuses Modality CT, and says so', () => {
    const { status, results } = scored('modality-ct');
    expect(status.code).toBe(3);
    expect(results.studies).toEqual([]);
    expect(results.failures).toMatchObject([{ code: 'STUDY_WITHOUT_SERIES', attempts: 1 }]);
    expect(results.failures[0]!.message).toMatch(/CT/);
  });
});
