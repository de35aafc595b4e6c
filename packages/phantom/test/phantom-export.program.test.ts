/** An export of forty studies: what is in it, and that `expected.json` says of every file what it is. */

import { execFileSync, spawnSync } from 'node:child_process';
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type DicomHeader, type InstanceFacts, openImage, readFacts } from '@spineline/shared/dicom';
import { ConfigError, KINDS, TARGETS } from '@spineline/shared/domain';
import { REJECTIONS } from '@spineline/shared/series';
import { beforeAll, describe, expect, it } from 'vitest';
import { normalOf, type Orientation } from '../../shared/geometry/slice-plane.ts';
import { copyTo, phantomExport } from '../../shared/test/support/phantoms.ts';
import { DECOYS } from '../src/export/decoys.ts';
import type { ExportExpectations, StudyExpectation } from '../src/export/expectations.ts';
import { JUNK } from '../src/export/junk.ts';
import { LANGUAGES } from '../src/export/languages.ts';
import { FILE_NAMES, LAYOUTS } from '../src/export/layouts.ts';
import { TWISTS } from '../src/export/twists.ts';
import { VENDORS } from '../src/export/vendors.ts';
import { EXPORT_STUDIES, generateExport } from '../src/index.ts';
import { digests, temporaryFolder } from './dataset-folder.ts';
import { tableOf } from './support/phantom-files.ts';

const WITHOUT_DCMTK = spawnSync('dcmdump', ['--version'], { stdio: 'ignore' }).status !== 0;

describe('the table of studies', () => {
  it('has a row for each of forty, with names of their own', () => {
    expect(new Set(EXPORT_STUDIES.map(({ name }) => name)).size).toBe(40);
  });

  it.for<[string, readonly string[], readonly (string | undefined)[]]>([
    ['vendor', Object.keys(VENDORS), EXPORT_STUDIES.map(({ vendor }) => vendor)],
    ['language', Object.keys(LANGUAGES), EXPORT_STUDIES.map(({ language }) => language)],
    ['layout', Object.keys(LAYOUTS), EXPORT_STUDIES.map(({ layout }) => layout)],
    ['way of naming files', Object.keys(FILE_NAMES), EXPORT_STUDIES.map(({ names }) => names ?? 'uid')],
    ['decoy', Object.keys(DECOYS), EXPORT_STUDIES.flatMap(({ beside }) => beside)],
    ['twist', Object.keys(TWISTS), EXPORT_STUDIES.map(({ twist }) => twist)],
  ])('uses every %s', ([, known, used]) => {
    expect(known.filter((one) => !used.includes(one))).toEqual([]);
  });
});

describe('an export', () => {
  let folder: string;
  let root: string;
  let expected: ExportExpectations;
  /** Path -> header of every file that has pixels. */
  const headers = new Map<string, DicomHeader>();
  /** Path -> facts of every DICOM object of a study, images or not. */
  const facts = new Map<string, InstanceFacts>();
  const onDisk: string[] = [];

  beforeAll(async () => {
    ({ folder, expectations: expected } = await phantomExport({ seed: 23 }));
    root = join(folder, 'export');
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) onDisk.push(join(entry.parentPath, entry.name).slice(root.length + 1));
    }
    for (const file of expected.studies.flatMap(filesOf)) {
      const bytes = await readFile(join(root, file));
      const found = readFacts(bytes, { whole: true });
      if (typeof found === 'object') facts.set(file, found.facts);
      if (bytes.includes(Buffer.from([0xe0, 0x7f, 0x10, 0x00]))) headers.set(file, openImage(bytes).header);
    }
  });

  const stacksOf = (study: StudyExpectation) => [
    ...KINDS.flatMap((kind) => (study.kinds[kind] ?? []).map((stack) => ({ kind, ...stack }))),
    ...study.alternatives,
  ];

  it('says of every file on the disk, once, what it is', () => {
    const named = [...expected.studies.flatMap(filesOf), ...expected.junk.map(({ file }) => file)];
    expect(named.toSorted()).toEqual(onDisk.toSorted());
  });

  it('gives reasons that a reader knows, and a code to every study that fails', () => {
    for (const study of expected.studies) {
      for (const { reasons } of study.rejected) for (const reason of reasons) expect(REJECTIONS).toHaveProperty(reason);
      expect(study.code === undefined, study.name).toBe(study.outcome === 'scored');
    }
    const failed = expected.studies.filter(({ outcome }) => outcome === 'failed').map(({ name, code }) => [name, code]);
    expect(failed).toEqual([
      ['CT', 'STUDY_WITHOUT_SERIES'],
      ['knee', 'STUDY_WITHOUT_SERIES'],
      ['neck', 'STUDY_WITHOUT_SERIES'],
      ['documents', 'STUDY_WITHOUT_SERIES'],
      ['localizers only', 'STUDY_WITHOUT_SERIES'],
      ['T1 only', 'STUDY_TOO_FEW_VIEWS'],
    ]);
  });

  it('has the series that it names in the files that it names', () => {
    for (const study of expected.studies) {
      for (const { seriesInstanceUid, files } of [...stacksOf(study), ...study.rejected, ...study.damaged]) {
        const found = files.map((file) => [facts.get(file)?.studyInstanceUid, facts.get(file)?.seriesInstanceUid]);
        expect(found, study.name).toEqual(files.map(() => [study.studyInstanceUid, seriesInstanceUid]));
      }
    }
    const uids = [...facts.values()].map(({ sopInstanceUid }) => sopInstanceUid);
    expect(uids.length).toBe(onDisk.length - expected.junk.length);
    expect(new Set(uids).size).toBe(uids.length);
  });

  it('has planes and times of the kind in every stack that is to be read', () => {
    for (const study of expected.studies) {
      for (const { kind, files } of stacksOf(study)) {
        for (const file of files) {
          const header = headers.get(file)!;
          const wanted = kind === 'axial_t2' ? 2 : 0;
          for (const { orientation } of header.frames) {
            expect(Math.abs(normalOf(orientation as Orientation)[wanted]), file).toBeGreaterThan(0.6);
          }
          expect(header.facts.modality).toBe('MR');
          if (kind === 'sagittal_t1') expect(header.facts.repetitionTimeMs, file).toBeLessThan(1000);
          else expect(header.facts.repetitionTimeMs, file).toBeGreaterThan(3000);
        }
      }
    }
  });

  it('has no two slices at one place in a stack that is to be read', () => {
    for (const study of expected.studies) {
      for (const { files } of stacksOf(study)) {
        const places = files.flatMap((file) => headers.get(file)!.frames.map(({ position }) => position!.join()));
        expect(new Set(places).size, study.name).toBe(places.length);
      }
    }
  });

  it('names the folder of a study, which in some layouts holds others too', () => {
    for (const study of expected.studies) {
      for (const file of filesOf(study)) expect(posix.dirname(file).startsWith(study.folder), file).toBe(true);
    }
    const flat = expected.studies.filter(({ layout }) => layout === 'pacs-flat');
    expect(new Set(flat.map(({ folder: one }) => one))).toEqual(new Set(['pacs-flat']));
  });

  it('has two studies of one patient, twice', () => {
    const patients = new Map<string, string[]>();
    for (const { patientId, name } of expected.studies)
      patients.set(patientId, [...(patients.get(patientId) ?? []), name]);
    expect([...patients.values()].filter((names) => names.length > 1)).toEqual([
      ['plain', 'follow-up'],
      ['Greenville', 'second visit, repeated'],
    ]);
  });

  it('labels studies by StudyInstanceUID, and points by series and instance number', async () => {
    const lumbar = expected.studies.filter(({ kinds }) => Object.keys(kinds).length > 0);
    const rows = await tableOf(folder, 'train.csv');
    expect(rows.map((row) => row.study_instance_uid)).toEqual(lumbar.map((study) => study.studyInstanceUid));
    expect(Object.keys(rows[0]!)).toHaveLength(1 + TARGETS.length);
    const instances = new Map<string, Set<number | undefined>>();
    for (const study of lumbar) {
      for (const { seriesInstanceUid, files } of [...stacksOf(study), ...study.damaged]) {
        const key = `${study.studyInstanceUid} ${seriesInstanceUid}`;
        const numbers = files.flatMap((file) => {
          const { frames } = headers.get(file)!;
          return frames.length > 1 ? frames.map((_, at) => at + 1) : frames.map(({ instanceNumber }) => instanceNumber);
        });
        instances.set(key, new Set([...(instances.get(key) ?? []), ...numbers]));
      }
    }
    const points = await tableOf(folder, 'train_label_coordinates.csv');
    expect(points.length).toBeGreaterThan(600);
    const lost = points.filter(
      (row) => !instances.get(`${row.study_instance_uid} ${row.series_instance_uid}`)?.has(Number(row.instance_number)),
    );
    expect(lost).toEqual([]);
  });

  it('has a DICOMDIR on each medium that names all of its objects', async () => {
    for (const medium of ['cd-1', 'cd-2']) {
      const bytes = (await readFile(join(root, medium, 'DICOMDIR'))).toString('latin1');
      const own = expected.studies.flatMap(filesOf).filter((file) => file.startsWith(`${medium}/`));
      expect(own.length).toBeGreaterThan(200);
      const missing = own.filter((file) => !bytes.includes(file.split('/').slice(1).join('\\')));
      expect(missing).toEqual([]);
      for (const file of own) for (const part of file.split('/').slice(1)) expect(part).toMatch(/^[A-Z0-9_]{1,8}$/);
    }
  });

  it('has something to sort out in junk: folders, files without a byte, files that are called images', () => {
    expect(expected.junk).toEqual(expect.arrayContaining(JUNK.map(({ file, what }) => ({ file, what }))));
    const first = expected.junk.map(({ file }) => file.split('/')[0]);
    for (const junk of ['__MACOSX', '$RECYCLE.BIN', 'lost+found', 'System Volume Information'])
      expect(first).toContain(junk);
  });

  it.skipIf(WITHOUT_DCMTK)('is read by DCMTK without a warning, but for what is cut off', () => {
    const whole = expected.studies.flatMap((study) => [
      ...stacksOf(study).flatMap(({ files }) => files.slice(0, 2)),
      ...study.rejected.flatMap(({ files }) => files.slice(0, 2)),
    ]);
    const files = [...whole, 'cd-1/DICOMDIR', 'cd-2/DICOMDIR'].map((file) => join(root, file));
    const said = spawnSync('dcmdump', ['+P', 'SOPClassUID', ...files], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    expect(said.stderr).toBe('');
    expect(said.status).toBe(0);
    const cut = expected.studies.flatMap(({ damaged }) => damaged.flatMap((one) => one.files));
    expect(cut).toHaveLength(1);
    expect(spawnSync('dcmdump', [join(root, cut[0]!)], { encoding: 'utf8' }).stderr).toContain('PixelData');
    // A record's offset that is wrong stops the walk through the directory.
    const walk = execFileSync('dcmdump', ['+P', 'ReferencedFileID', join(root, 'cd-1/DICOMDIR')], { encoding: 'utf8' });
    expect(walk.trim().split('\n')).toHaveLength(
      expected.studies.flatMap(filesOf).filter((file) => file.startsWith('cd-1/')).length,
    );
  });
});

describe('exports of one seed', async () => {
  const folder = await temporaryFolder();
  const few = { studies: 2, seed: 3, small: true } as const;

  it('are the same to the byte, whatever the number of threads, and another seed gives others', async () => {
    await generateExport(join(folder, 'one'), { ...few, threads: 1 });
    await generateExport(join(folder, 'two'), { ...few, threads: 2 });
    await generateExport(join(folder, 'other'), { ...few, studies: 1, seed: 4, threads: 1 });
    const one = await digests(join(folder, 'one'));
    expect(await digests(join(folder, 'two'))).toEqual(one);
    expect(one).toHaveProperty('expected.json');
    expect(await digests(join(folder, 'other'))).not.toEqual(expect.objectContaining(one));
  });

  it('are made again in their own folder, and never over an export that was not made here', async () => {
    const again = join(folder, 'again');
    const { folder: whole, expectations } = await phantomExport({ seed: 23 });
    await copyTo(whole, again);
    const [first, second] = expectations.studies.map((study) => join(again, 'export', filesOf(study)[0]!));
    await generateExport(again, { seed: 23, small: true, studies: 1, threads: 1 });
    await access(first!);
    await expect(access(second!)).rejects.toThrow(/ENOENT/);
    await mkdir(join(folder, 'foreign', 'export'), { recursive: true });
    await writeFile(join(folder, 'foreign', 'export', 'image'), '');
    await expect(generateExport(join(folder, 'foreign'), few)).rejects.toThrow(ConfigError);
    expect(await readdir(join(folder, 'foreign', 'export'))).toEqual(['image']);
  });

  it('refuse options that make no sense', async () => {
    for (const wrong of [{ studies: 0 }, { seed: -1 }, { threads: 0 }]) {
      await expect(generateExport(join(folder, 'none'), { ...few, ...wrong })).rejects.toThrow(ConfigError);
    }
  });
});

function filesOf(study: StudyExpectation): string[] {
  const stacks = [...KINDS.flatMap((kind) => study.kinds[kind] ?? []), ...study.alternatives, ...study.rejected];
  return [...stacks, ...study.damaged].flatMap(({ files }) => files);
}
