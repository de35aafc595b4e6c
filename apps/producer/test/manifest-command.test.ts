/** `spineline manifest` as a user runs it: files, exit codes, the summary, and that what it writes can be scored from. */

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  placed,
  plainStudy,
  seriesSlices,
  studyUid,
  writeTree,
} from '../../../packages/shared/test/support/dicom-tree.ts';
import { PATIENT_NAME, UID_ROOT } from '../../../packages/shared/test/support/small-study.ts';
import { temporaryFolder } from '../../../packages/shared/test/support/temporary-folder.ts';
import { spineline, spinelineOk } from './support/in-process.ts';

async function exported(): Promise<string> {
  const folder = await temporaryFolder();
  for (const study of [1, 2]) {
    const { sagittal_t2, sagittal_t1, axial_t2 } = plainStudy(study);
    const slices = [...sagittal_t2, ...sagittal_t1, ...axial_t2, ...seriesSlices('localizer', { study, series: 9 })];
    await writeTree(
      folder,
      placed(slices, (i) => `in/IM${study}-${i}`),
    );
  }
  await writeTree(folder, {
    ...placed(seriesSlices('sagittal_t2', { study: 3, series: 1, attributes: { Modality: 'CT' } }), (i) => `in/CT${i}`),
    'in/report.txt': 'x',
  });
  return folder;
}

describe('spineline manifest', () => {
  it('writes what is read and what is not, the same every time, and a table for the one who may see it', async () => {
    const folder = await exported();
    const [out, map] = [join(folder, 'tonight.jsonl'), join(folder, 'who.csv')];
    const { stdout, stderr } = await spinelineOk(['manifest', join(folder, 'in'), '--out', out, '--map', map]);
    expect(stdout).toBe('');
    for (const line of [
      '3 studies found in 34 files',
      'read       Sagittal T2/STIR: 2 series, 6 files',
      'read       Sagittal T1: 2 series, 8 files',
      'read       Axial T2: 2 series, 10 files',
      'not read   a localizer: 2 series, 6 files',
      'not read   Modality is not MR: 1 series, 3 files',
      'left out   1 file that is not DICOM',
      '1 study has no series that is scored and will fail: study-',
      'ids of studies are pseudonyms of their UIDs: 1 folder holds several studies; ' +
        'spineline manifest SOURCE --out FILE --map WHO.csv writes which id belongs to which UID',
      '3 studies written to',
    ]) {
      expect(stderr).toContain(line);
    }

    const text = await readFile(out, 'utf8');
    const studies = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { study: string; series: unknown[]; rejected: unknown[] });
    expect(studies.map(({ series, rejected }) => [series.length, rejected.length]).sort()).toEqual([
      [0, 1],
      [3, 1],
      [3, 1],
    ]);
    for (const secret of [UID_ROOT, PATIENT_NAME, 't2_tse_sag']) expect(text + stderr).not.toContain(secret);

    const table = await readFile(map, 'utf8');
    expect(table.split('\n')[0]).toBe(
      'study_id,series_id,study_instance_uid,series_instance_uid,folder,series_description,rejection',
    );
    for (const study of [1, 2, 3]) expect(table).toContain(studyUid(study));
    for (const { study } of studies) expect(table).toContain(study);
    expect((await stat(map)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).sort()).toEqual(['in', 'tonight.jsonl', 'who.csv']);

    const packed = join(folder, 'again.jsonl.zst');
    const { stdout: json } = await spinelineOk(['manifest', `file://${join(folder, 'in')}`, '--out', packed, '--json']);
    expect(zstdDecompressSync(await readFile(packed)).toString()).toBe(text);
    expect(JSON.parse(json)).toMatchObject({
      studies: 3,
      kept: { axial_t2: { series: 2, images: 10 } },
      skipped: { not_dicom: 1 },
    });

    const other = join(folder, 'keyed.jsonl');
    await spinelineOk(['manifest', join(folder, 'in'), '--out', other], { SPINELINE_ID_KEY: 'a secret of sixteen' });
    const keyed = await readFile(other, 'utf8');
    for (const { study } of studies) expect(keyed).not.toContain(study);
  });

  it('is what enqueue takes: the plan of the manifest is the plan of the folder', async () => {
    const folder = await exported();
    const manifest = join(folder, 'm.jsonl');
    await spinelineOk(['manifest', join(folder, 'in'), '--out', manifest]);
    const store = `file://${join(folder, 'store')}`;
    const plans = await Promise.all(
      [join(folder, 'in'), manifest].map((dataset) => spinelineOk(['plan', dataset, '--store', store, '--json'])),
    );
    expect(JSON.parse(plans[0]!.stdout).studies).toBe(3);
    expect(plans[0]!.stdout).toBe(plans[1]!.stdout);
  });

  it('names the files that are damaged', async () => {
    const folder = await exported();
    await writeTree(folder, { 'in/cut.dcm': '' });
    const { stderr } = await spinelineOk(['manifest', join(folder, 'in'), '--out', join(folder, 'x.jsonl')]);
    expect(stderr).toMatch(/^damaged +cut\.dcm$/m);
  });

  it('a manifest that cannot be written leaves what was there and nothing beside it', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'old.jsonl'), 'as it was');
    const { code, stderr } = await spineline(['manifest', folder, '--force', '--out', join(folder, 'old.jsonl')]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('DATASET_EMPTY')]);
    expect(await readFile(join(folder, 'old.jsonl'), 'utf8')).toBe('as it was');
    expect(await readdir(folder)).toEqual(['old.jsonl']);
    const tree = await exported();
    await mkdir(join(tree, 'taken.jsonl'));
    expect(
      await spineline(['manifest', join(tree, 'in'), '--force', '--out', join(tree, 'taken.jsonl')]),
    ).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot be written'),
    });
    expect((await readdir(tree)).sort()).toEqual(['in', 'taken.jsonl']);
  });

  it.each(['--out', '--map'])(
    'does not overwrite what %s names, and says so before it scans, but for --force',
    async (option) => {
      const tree = await exported();
      const [fresh, old] = [join(tree, 'fresh.jsonl'), join(tree, option === '--out' ? 'old.jsonl' : 'old.csv')];
      await writeFile(old, 'changed by hand');
      const parameters = option === '--out' ? ['--out', old] : ['--out', fresh, '--map', old];
      // A source that is not there would be said instead, were it looked at.
      const { code, stderr } = await spineline(['manifest', join(tree, 'not-there'), ...parameters]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/file old\.\w+: this file exists.*--force/);
      expect(await readFile(old, 'utf8')).toBe('changed by hand');
      expect(existsSync(fresh)).toBe(false);
      await spinelineOk(['manifest', join(tree, 'in'), ...parameters, '--force']);
      expect(await readFile(old, 'utf8')).toContain('study');
    },
  );

  it.each(['--out', '--map'])('says before it scans that the folder of %s is not there', async (option) => {
    const tree = await temporaryFolder();
    const file = join(tree, 'nosuchdir', option === '--out' ? 'x.jsonl' : 'x.csv');
    const parameters = option === '--out' ? ['--out', file] : ['--out', join(tree, 'x.jsonl'), '--map', file];
    const { code, stderr } = await spineline(['manifest', join(tree, 'not-there'), ...parameters]);
    expect(code).toBe(2);
    expect(stderr).toContain(`the folder ${join(tree, 'nosuchdir')} does not exist`);
    expect(await readdir(tree)).toEqual([]);
  });

  it.each<[string, string[], string]>([
    ['a UID', ['1.2.3.4', '1.2.3.5'], 'because some study folders have names that cannot be ids (a UID,'],
    ['a space', ['Study 1', 'Befund-2'], 'because some study folders have names that cannot be ids (a UID,'],
    ['an umlaut', ['Müller', 'Befund-2'], 'because some study folders have names that cannot be ids (a UID,'],
    ['one alone', ['Study 1'], 'because its folder has a name that cannot be an id (a UID,'],
  ])('says that ids are pseudonyms since a folder has a name that cannot be one: %s', async (_, names, why) => {
    const tree = await temporaryFolder();
    for (const [i, name] of names.entries()) {
      const { sagittal_t2, sagittal_t1, axial_t2 } = plainStudy(i + 1);
      const series = Object.entries({ sagittal_t2, sagittal_t1, axial_t2 });
      for (const [kind, slices] of series)
        await writeTree(
          tree,
          placed(slices, (k) => `in/${name}/${kind}/${k}.dcm`),
        );
    }
    const { stderr } = await spinelineOk(['manifest', join(tree, 'in'), '--out', join(tree, 'x.jsonl')]);
    expect(stderr).toContain(`ids of studies are pseudonyms of their UIDs ${why}`);
    expect(stderr).toContain(
      '; spineline manifest SOURCE --out FILE --map WHO.csv writes which id belongs to which UID',
    );
    for (const name of names) expect(stderr).not.toContain(name);
  });

  it.each<[string, string[], string]>([
    ['no source', ['--out', 'x.jsonl'], 'one source is needed'],
    [
      'two sources',
      ['in', '--from', 'dicomweb+https://h/x', '--query', 'StudyDate=2026', '--out', 'x.jsonl'],
      'exactly one source is needed',
    ],
    [
      '--from without --query',
      ['--from', 'dicomweb+https://h/x', '--out', 'x.jsonl'],
      '--from and --query must be used together',
    ],
    ['a misspelt option in place of one that is required', ['in', '--uot', 'x.jsonl'], "unknown option '--uot'"],
    ['no --out', ['in'], "required option '-o, --out <file>' not specified"],
    ['another extension', ['in', '--out', 'x.txt'], '*.jsonl'],
    ['a manifest', ['in.jsonl.gz', '--out', 'x.jsonl'], 'already a manifest'],
    ['a folder that is not there', ['/no/such/folder', '--out', 'x.jsonl'], 'DATASET_NOT_FOUND'],
    ['a server named as the source', ['dicomweb+https://h/x', '--out', 'x.jsonl'], '--from'],
  ])('%s ends with exit code 2 and says what to do', async (_, parameters, message) => {
    const { code, stderr } = await spineline(['manifest', ...parameters]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
