/**
 * Forty studies as five vendors and two PACS would have written them, scored by the command: what is scored, with which
 * kinds, what fails and with which code, and that whatever was left out is listed with a reason.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KINDS } from '@spineline/shared/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExportExpectations, StudyExpectation } from '../../../packages/phantom/src/export/expectations.ts';
import { phantomExport } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { tinyModels } from '../../../packages/shared/test/support/tiny-bundles.ts';
import { flagCodes, type ResultsFile, readResults } from './support/results-file.ts';
import { type Finished, spineline, spinelineOk } from './support/spineline-command.ts';

const missing = redisMissing();

describe.skipIf(missing)(`exports of other people's scanners and PACS${missing ? ` (${missing})` : ''}`, () => {
  let folder = '';
  let expected: ExportExpectations;
  let scored: Finished;
  let results: ResultsFile;
  /** Study id by StudyInstanceUID. */
  const ids = new Map<string, string>();
  const resultOf = ({ studyInstanceUid }: StudyExpectation) =>
    results.studies.find(({ study }) => study === ids.get(studyInstanceUid));
  const failureOf = ({ studyInstanceUid }: StudyExpectation) =>
    results.failures.find(({ study }) => study === ids.get(studyInstanceUid));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spineline-vendors-'));
    const made = await phantomExport({ seed: 23 });
    expected = made.expectations;
    const [manifest, map] = [join(folder, 'tonight.jsonl'), join(folder, 'map.csv')];
    await spinelineOk(['manifest', join(made.folder, expected.root), '--out', manifest, '--map', map]);
    const [header, ...rows] = (await readFile(map, 'utf8')).trim().split('\n');
    const columns = header!.split(',');
    for (const row of rows.map((line) => line.split(','))) {
      ids.set(row[columns.indexOf('study_instance_uid')]!, row[columns.indexOf('study_id')]!);
    }
    scored = await spineline(['score', manifest, '--out', join(folder, 'out'), ...(await tinyModels())]);
    results = await readResults(join(folder, 'out', 'results.json'));
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('scores what must be scored and fails what must fail, with the code', () => {
    expect(expected.studies).toHaveLength(40);
    for (const study of expected.studies) {
      const failure = failureOf(study);
      expect(failure ? `${failure.code}` : 'scored', `${study.name}: ${failure?.message}`).toBe(study.code ?? 'scored');
      expect(resultOf(study) !== undefined, study.name).toBe(study.outcome === 'scored');
    }
    expect(scored.code).toBe(3);
  });

  it('reads the kinds that there are, each from the number of images that the export has of it', () => {
    for (const study of expected.studies.filter(({ outcome }) => outcome === 'scored')) {
      const { series } = resultOf(study)!;
      for (const kind of KINDS) {
        const used = series.filter((one) => one.used && one.kind === kind);
        const stacks = study.kinds[kind] ?? [];
        const name = `${study.name}: ${kind}`;
        expect(used.length > 0, name).toBe(stacks.length > 0);
        const lengths = (some: readonly { length: number }[]) => some.map(({ length }) => length).sort();
        if (kind === 'axial_t2') {
          // An enhanced file holds many slices.
          const files = lengths(stacks.map((stack) => stack.files));
          const slices = lengths(used.map(({ instances }) => instances));
          expect(slices.length, name).toBe(files.length);
        } else if (used.length > 0) expect(used, name).toHaveLength(1);
      }
    }
  });

  it('lists what was left out, and flags descriptions that contradict their header', () => {
    for (const study of expected.studies) {
      const result = resultOf(study);
      if (!result) {
        expect(failureOf(study)!.message).toMatch(/\d+ images?/);
        continue;
      }
      // Objects without pixels are counted by the scan and are no image of the study.
      const images = study.rejected.filter(({ reasons }) => !reasons.includes('capture'));
      if (images.length > 0) expect(result.rejected?.length ?? 0, study.name).toBeGreaterThan(0);
      if (study.contradictions.length > 0) {
        expect(flagCodes(result), study.name).toContain('description_contradicts_header');
      }
    }
  });

  it('names a damaged slice, and scores the study without it', () => {
    const damaged = expected.studies.filter(({ outcome, damaged: files }) => outcome === 'scored' && files.length > 0);
    expect(damaged.length).toBeGreaterThan(0);
    for (const study of damaged) {
      const codes = flagCodes(resultOf(study)!);
      expect(codes.includes('slice_unreadable') || codes.includes('dataset_problem'), study.name).toBe(true);
    }
  });

  it('repeats no UID, name or text of a header in results and output', () => {
    const shown = `${JSON.stringify(results)}${scored.stdout}${scored.stderr}`;
    for (const { studyInstanceUid, kinds } of expected.studies) {
      expect(shown).not.toContain(studyInstanceUid);
      for (const stack of Object.values(kinds).flat()) expect(shown).not.toContain(stack!.seriesInstanceUid);
    }
    for (const word of ['Greenville', 'Locarno', 'Adcock', 'Pdraza']) expect(shown).not.toContain(word);
  });
});
