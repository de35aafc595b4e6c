/**
 * How any tree of files is read: which files belong to which series and study, their ids, and which files are left out.
 */

import { execFileSync } from 'node:child_process';
import { chmod, cp, link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDicom } from '@spineline/phantom/dicom-writer';
import { afterAll, describe, expect, it } from 'vitest';
import type { DatasetOptions } from '../dataset/dataset.ts';
import { type Dataset, openDataset, StudyEntry } from '../dataset/index.ts';
import type { InstanceLister } from '../dataset/instance-lister.ts';
import { openSources } from '../sources/index.ts';
import {
  type Look,
  placed,
  plainStudy,
  seriesSlices,
  seriesUid,
  studyUid,
  type Tree,
  writeTree,
} from './support/dicom-tree.ts';
import { PATIENT_ID, PATIENT_NAME, SAGITTAL, UID_ROOT } from './support/small-study.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const sources = openSources();
afterAll(() => sources.close());

async function treeOf(...trees: Tree[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const tree of trees) await writeTree(folder, tree);
  return folder;
}

interface Opened {
  readonly dataset: Dataset;
  readonly studies: StudyEntry[];
}

async function open(folder: string, options?: DatasetOptions, from: InstanceLister = sources): Promise<Opened> {
  const dataset = await openDataset(folder, from, options);
  const studies = await Array.fromAsync(dataset.studies());
  expect(studies).toHaveLength(dataset.studyCount);
  for (const study of studies) {
    StudyEntry.parse(study);
    const ids = [...study.series, ...(study.rejected ?? [])].map(({ series }) => series);
    expect(new Set(ids).size).toBe(ids.length);
  }
  return { dataset, studies };
}

const PSEUDONYM = /^study-[0-9a-f]{20}$/;
const SERIES_PSEUDONYM = /^series-[0-9a-f]{20}$/;

/** Series id, kind, number of files. */
const readOf = ({ dataset }: Opened, study: StudyEntry) =>
  study.series.map(({ series, instances }) => [
    series,
    dataset.scanOf(study.study)?.kinds.get(series),
    instances.length,
  ]);
const rejectedOf = (study: StudyEntry) =>
  (study.rejected ?? []).map(({ series, images, rejection }) => [series, rejection, images]);
const pathsOf = (folder: string, { instances }: StudyEntry['series'][number]) =>
  instances.map(({ location }) => fileURLToPath(location).slice(folder.length + 1));

/** The three kinds of a study in folders of their own. */
function study(
  number: number,
  folderOf: (series: string, look: Look) => string,
  nameOf = (i: number) => `${i + 1}.dcm`,
) {
  const { sagittal_t2, sagittal_t1, axial_t2 } = plainStudy(number);
  return {
    ...placed(sagittal_t2, (i) => join(folderOf('1', 'sagittal_t2'), nameOf(i))),
    ...placed(sagittal_t1, (i) => join(folderOf('2', 'sagittal_t1'), nameOf(i))),
    ...placed(axial_t2, (i) => join(folderOf('3', 'axial_t2'), nameOf(i))),
  };
}
const KINDS_BY_NUMBER = [
  ['1', 'sagittal_t2', 3],
  ['2', 'sagittal_t1', 4],
  ['3', 'axial_t2', 5],
];

describe('ids are the folders’ names where folders and UIDs agree one to one', () => {
  it.each<[string, (study: number) => (series: string) => string, string[]]>([
    ['{study}/{series}', (n) => (s) => `${1000 + n}/${s}`, ['1001', '1002']],
    ['{patient}/{study}/{series}', (n) => (s) => `P${n}/ST${n}/${s}`, ['ST1', 'ST2']],
    [
      '{patient}/ST000000/{series}, where only patients tell studies apart',
      (n) => (s) => `PA${n}/ST000000/${s}`,
      ['PA1', 'PA2'],
    ],
    ['{site}/{study}/DICOM/{series}', (n) => (s) => `site/S-${n}/DICOM/${s}`, ['S-1', 'S-2']],
  ])('%s', async (_, folderOf, ids) => {
    const opened = await open(await treeOf(study(1, folderOf(1)), study(2, folderOf(2))));
    expect(opened.studies.map((one) => one.study)).toEqual(ids);
    for (const one of opened.studies) expect(readOf(opened, one)).toEqual(KINDS_BY_NUMBER);
    expect(opened.dataset.scan!.ids).toEqual({ from: 'folders' });
  });

  it('but not where they are UIDs, which no log nor result may show', async () => {
    const opened = await open(
      await treeOf(
        study(1, (s) => `${studyUid(1)}/1.2.826.0.1.777.60.${s}`),
        study(2, (s) => `${studyUid(2)}/${s}`),
      ),
    );
    expect(opened.dataset.scan!.ids).toEqual({ from: 'pseudonyms', split: 0, shared: 0 });
    for (const one of opened.studies) expect(one.study).toMatch(/^study-[0-9a-f]{20}$/);
    const [named, ofUids] = opened.studies
      .map(({ series }) => series.map(({ series: name }) => name))
      .sort((a, b) => a[0]!.length - b[0]!.length);
    expect(named).toEqual(['1', '2', '3']);
    expect(ofUids).toEqual(ofUids!.map(() => expect.stringMatching(SERIES_PSEUDONYM)));
  });

  it('an empty file alone makes no study, whatever it is called', async () => {
    const opened = await open(await treeOf({ ...study(1, (s) => `1001/${s}`), '1003/7/1.dcm': '' }));
    expect(opened.studies.map((one) => one.study)).toEqual(['1001']);
    expect(opened.dataset.scan!.lost).toEqual(['1003/7/1.dcm']);
  });

  it('a study’s folder of which no file can be read stays, to fail with the names', async () => {
    const plain = (n: number) => study(n, (s) => `${1000 + n}/${s}`);
    const lost = { '1003/7/1.dcm': 'not a picture', '1003/7/2.dcm': 'neither' };
    const opened = await open(await treeOf({ ...plain(1), ...plain(2), ...lost }));
    expect(opened.studies.map((one) => one.study)).toEqual(['1001', '1002', '1003']);
    const [one, , bad] = opened.studies;
    expect(one!.problems).toBeUndefined();
    expect(bad).toMatchObject({
      series: [],
      problems: [{ code: 'FILES_DAMAGED', message: expect.stringMatching(/^2 files .*1\.dcm.*2\.dcm/) }],
    });
    expect(opened.dataset.scan).toMatchObject({ studies: 3, withoutSeries: ['1003'] });
    expect(opened.dataset.studyCount).toBe(3);
  });

  const whole = (n: number, folder: string) => study(n, (s) => `${folder}/${s}`);
  const junk = { '1.dcm': 'not a picture', '2.dcm': 'neither' };
  const below = (folder: string, tree: Tree = junk): Tree =>
    Object.fromEntries(Object.entries(tree).map(([name, content]) => [`${folder}/${name}`, content]));

  const mixed = placed([...Object.values(plainStudy(1)), ...Object.values(plainStudy(2))].flat(), (i) => `A/IM${i}`);

  it.each<[where: string, tree: Tree, healthy: number, lost: number]>([
    ['folders are UIDs', { ...whole(1, studyUid(1)), ...whole(2, studyUid(2)), ...below(`${studyUid(3)}/1`) }, 2, 1],
    [
      'all series of a study in a UID’s folder are damaged',
      {
        ...whole(1, studyUid(1)),
        ...whole(2, studyUid(2)),
        ...below(`${studyUid(3)}/1`),
        ...below(`${studyUid(3)}/2`),
      },
      2,
      1,
    ],
    ['a folder holds several studies', { ...mixed, ...below('C') }, 2, 1],
    ['there are two such folders', { ...mixed, ...below('C/1'), ...below('D') }, 2, 2],
    ['it lies in a folder of several studies', { ...mixed, ...below('A/z') }, 2, 1],
    [
      'names of studies clash',
      { ...whole(1, 'P1/A'), ...whole(2, 'P1/B'), ...whole(3, 'P2/A'), ...below('P3/A/1') },
      3,
      1,
    ],
    ['its name can be no id', { ...whole(1, '1001'), ...whole(2, '1002'), ...below('Doe^Jane') }, 2, 1],
    ['it lies higher than studies do', { ...whole(1, 'P/1/1001'), ...whole(2, 'P/1/1002'), ...below('Q') }, 2, 1],
  ])('a folder of damaged files alone stays as a study under a pseudonym where %s', async (_, tree, healthy, lost) => {
    const folder = await treeOf(tree);
    const { studies, dataset } = await open(folder);
    const bad = studies.filter(({ series }) => series.length === 0);
    expect(studies.length - bad.length).toBe(healthy);
    expect(bad).toEqual(
      Array(lost).fill({
        study: expect.stringMatching(PSEUDONYM),
        series: [],
        problems: [{ code: 'FILES_DAMAGED', message: expect.stringMatching(/^\d files .*1\.dcm/) }],
      }),
    );
    expect(dataset.scan!.withoutSeries).toEqual(bad.map((one) => one.study));
    expect((await open(folder)).studies).toEqual(studies);
  });

  it('damaged files beside readable images of several studies are counted and listed, and make no study', async () => {
    const { studies, dataset } = await open(await treeOf(mixed, below('A')));
    expect(studies.map(({ series, problems }) => [series.length, problems])).toEqual(Array(2).fill([3, undefined]));
    expect(dataset.skipped()).toEqual({ damaged: 2 });
    expect(dataset.scan!.lost).toEqual(['A/1.dcm', 'A/2.dcm']);
  });

  it('a series of damaged files in a study’s own folder is told on the study, whatever the folder is called', async () => {
    for (const name of ['1001', studyUid(1)]) {
      const { studies } = await open(await treeOf(whole(1, name), whole(2, 'x'), below(`${name}/7`)));
      expect(studies).toHaveLength(2);
      expect(studies.flatMap(({ problems }) => problems?.map(({ code }) => code))).toEqual(
        expect.arrayContaining(['FILES_DAMAGED', undefined]),
      );
    }
  });

  it.skipIf(process.getuid?.() !== 0)(
    'what may not be read or listed is lost alike (skipped unless root)',
    async () => {
      const names: [string, string][] = [
        ['1003', '1003'],
        [studyUid(3), 'study-'],
        ['1001/9', '1001'],
      ];
      for (const [locked, id] of names) {
        const folder = await treeOf(whole(1, '1001'), whole(2, '1002'), below(`${locked}/1`));
        await chmod(folder, 0o755);
        for (const what of [locked, `${locked}/1`, `${locked}/1/1.dcm`, `${locked}/1/2.dcm`]) {
          // The last two together: of one that can be read nothing is lost.
          const paths = what.endsWith('2.dcm') ? [`${locked}/1/1.dcm`, what] : [what];
          for (const path of paths) await chmod(join(folder, path), 0);
          process.seteuid!(65_534);
          try {
            const { studies } = await open(folder);
            const one = studies.find(({ study: name }) => name.startsWith(id))!;
            const expected = what.endsWith('.dcm')
              ? 'FILES_DAMAGED'
              : id === '1001'
                ? 'SERIES_FOLDER_UNREADABLE'
                : 'STUDY_FOLDER_UNREADABLE';
            expect(one.problems, what).toMatchObject([{ code: expected }]);
            expect(studies).toHaveLength(id === '1001' ? 2 : 3);
            expect(JSON.stringify(studies.map(({ problems }) => problems))).not.toContain(UID_ROOT);
          } finally {
            process.seteuid!(0);
            for (const path of paths) await chmod(join(folder, path), 0o755);
          }
        }
      }
    },
  );

  it('a series’ folder is the one below the study’s, however deep its files lie', async () => {
    const opened = await open(await treeOf(study(1, (s) => `1001/${s}/images/${s}`)));
    expect(readOf(opened, opened.studies[0]!)).toEqual(KINDS_BY_NUMBER);
  });

  it('a study in one folder without folders for series has the folder’s name, its series have pseudonyms', async () => {
    const one = study(1, () => '1001', undefined);
    const flat = Object.values(plainStudy(1)).flat();
    expect(Object.keys(one).length).toBeLessThan(flat.length); // names clash, so they are numbered through
    const opened = await open(
      await treeOf(
        placed(flat, (i) => `1001/IM${i}`),
        placed(Object.values(plainStudy(2)).flat(), (i) => `1002/IM${i}`),
      ),
    );
    expect(opened.studies.map((entry) => entry.study)).toEqual(['1001', '1002']);
    for (const entry of opened.studies) {
      expect(entry.series.map(({ series }) => series)).toEqual(Array(3).fill(expect.stringMatching(SERIES_PSEUDONYM)));
      expect(
        readOf(opened, entry)
          .map(([, kind, files]) => [kind, files])
          .sort(),
      ).toEqual(KINDS_BY_NUMBER.map(([, kind, files]) => [kind, files]).sort());
    }
  });

  it('studies of a single series keep the study’s folder, as in {study}/{series}', async () => {
    const one = (n: number) => placed(seriesSlices('axial_t2', { study: n, series: 7 }), (i) => `${n}/77/${i}`);
    const opened = await open(await treeOf(one(1), one(2)));
    expect(opened.studies.map((entry) => [entry.study, ...readOf(opened, entry).flat()])).toEqual([
      ['1', '77', 'axial_t2', 3],
      ['2', '77', 'axial_t2', 3],
    ]);
  });

  it('a rejected localizer in a series’ folder, or beside it, changes no id', async () => {
    const localizer = seriesSlices('localizer', { study: 1, series: 9 });
    for (const place of ['1001/1', '1001/0', '1001']) {
      const opened = await open(
        await treeOf(
          study(1, (s) => `1001/${s}`),
          placed(localizer, (i) => `${place}/0${i}.dcm`),
        ),
      );
      expect(opened.studies.map((entry) => entry.study)).toEqual(['1001']);
      expect(readOf(opened, opened.studies[0]!)).toEqual(KINDS_BY_NUMBER);
      const id = place === '1001/0' ? '0' : expect.stringMatching(SERIES_PSEUDONYM);
      expect(rejectedOf(opened.studies[0]!)).toEqual([[id, 'localizer', 3]]);
    }
  });
});

describe('ids are pseudonyms elsewhere', () => {
  const flat = () =>
    treeOf(placed([...Object.values(plainStudy(1)), ...Object.values(plainStudy(2))].flat(), (i) => `I${i}`));

  it('one flat folder of two studies gives two studies, with the same ids on every machine', async () => {
    const opened = await open(await flat());
    expect(opened.studies.map((entry) => entry.study)).toEqual(Array(2).fill(expect.stringMatching(PSEUDONYM)));
    for (const entry of opened.studies) {
      expect(
        readOf(opened, entry)
          .map(([, ...rest]) => rest)
          .sort(),
      ).toEqual(KINDS_BY_NUMBER.map(([, ...rest]) => rest).sort());
    }
    expect(opened.dataset.scan!.ids).toMatchObject({ from: 'pseudonyms' });
    const again = await open(await flat());
    expect(again.studies.map((entry) => [entry.study, ...entry.series.map(({ series }) => series)])).toEqual(
      opened.studies.map((entry) => [entry.study, ...entry.series.map(({ series }) => series)]),
    );
    // Pinned: a change of the rule would make strangers of all studies that were scored.
    expect(opened.studies.map((entry) => entry.study)).toMatchInlineSnapshot(`
      [
        "study-4fc79b759bb683177454",
        "study-399852f2e5d1471ce1a6",
      ]
    `);
  });

  it('a key changes all of them, and the same key gives the same', async () => {
    const folder = await flat();
    const ids = async (idKey?: string) => {
      const { studies } = await open(folder, { idKey });
      return studies.flatMap((entry) => [entry.study, ...entry.series.map(({ series }) => series)]);
    };
    const [plain, a, again, b] = [
      await ids(),
      await ids('a key of 16 bytes'),
      await ids('a key of 16 bytes'),
      await ids('another key of it'),
    ];
    expect(again).toEqual(a);
    expect(new Set([...plain, ...a, ...b]).size).toBe(plain.length * 3);
  });

  it.each<[string, () => Tree[]]>([
    [
      'a folder that holds two studies',
      () => [study(1, (s) => `A/${s}`), study(2, (s) => `A/2${s}`), study(3, (s) => `B/${s}`)],
    ],
    ['a study in two folders', () => [study(1, (s) => (s === '3' ? `C/${s}` : `A/${s}`)), study(2, (s) => `B/${s}`)]],
    ['folders that can be no id', () => [study(1, (s) => `Doe^Jane/${s}`), study(2, (s) => `Müller/${s}`)]],
    [
      'two patients with studies of the same name',
      () => [study(1, (s) => `P1/A/${s}`), study(2, (s) => `P1/B/${s}`), study(3, (s) => `P2/A/${s}`)],
    ],
  ])('%s', async (_, trees) => {
    const opened = await open(await treeOf(...trees()));
    expect(opened.studies.map((entry) => entry.study)).toEqual(
      Array(trees().length).fill(expect.stringMatching(PSEUDONYM)),
    );
    expect(opened.studies.map((entry) => entry.series.length)).toEqual(Array(trees().length).fill(3));
  });

  it('two series in one folder are two series, and their folder names neither', async () => {
    const opened = await open(
      await treeOf(
        study(
          1,
          (s) => `1001/${s === '3' ? '2' : s}`,
          (i) => `${i}`,
        ),
        placed(plainStudy(1).sagittal_t1, (i) => `1001/2/t1-${i}`),
      ),
    );
    const [one] = opened.studies;
    expect(one!.study).toBe('1001');
    expect(one!.series.map(({ series }) => series)).toEqual(Array(3).fill(expect.stringMatching(SERIES_PSEUDONYM)));
    expect(
      readOf(opened, one!)
        .map(([, ...rest]) => rest)
        .sort(),
    ).toEqual(KINDS_BY_NUMBER.map(([, ...rest]) => rest).sort());
  });
});

describe('what is in a series', () => {
  it('one SeriesInstanceUID with a sagittal and an axial stack is two series', async () => {
    const both = [
      ...seriesSlices('sagittal_t2', { study: 1, series: 4 }),
      ...seriesSlices('axial_t2', { study: 1, series: 4, slices: 4, attributes: { SOPInstanceUID: undefined } }),
    ];
    const opened = await open(await treeOf(placed(both, (i) => `1001/4/${i}`)));
    const [one] = opened.studies;
    expect(one!.series.map(({ series }) => series)).toEqual(['4', '4-2']);
    expect(
      readOf(opened, one!)
        .map(([, ...rest]) => rest)
        .sort(),
    ).toEqual([
      ['axial_t2', 4],
      ['sagittal_t2', 3],
    ]);
  });

  it('a second echo, a colour capture, another modality and a knee are rejected with reasons', async () => {
    const more = [
      ...seriesSlices('sagittal_t2', { study: 1, series: 5, attributes: { Modality: 'CT' } }),
      ...seriesSlices('sagittal_t2', {
        study: 1,
        series: 6,
        slices: 1,
        attributes: {
          PhotometricInterpretation: 'RGB',
          SamplesPerPixel: 3,
          Rows: 4,
          Columns: 4,
          BitsAllocated: 8,
          BitsStored: 8,
          HighBit: 7,
          PixelData: new Uint8Array(48),
        },
      }),
      ...seriesSlices('axial_t2', {
        study: 1,
        series: 7,
        attributes: { BodyPartExamined: 'KNEE', SeriesDescription: 't2 knee' },
      }),
    ];
    const opened = await open(
      await treeOf(
        study(1, (s) => `1001/${s}`),
        placed(more, (i) => `1001/more/${i}`),
      ),
    );
    const [one] = opened.studies;
    expect(readOf(opened, one!)).toEqual(KINDS_BY_NUMBER);
    expect(
      rejectedOf(one!)
        .map(([, ...rest]) => rest)
        .sort(),
    ).toEqual([
      ['colour', 1],
      ['not_lumbar', 3],
      ['not_mr', 3],
    ]);
    for (const { reason } of one!.rejected!) expect(reason).not.toBe('');
  });

  it('a study without any series that is scored is there, with what was rejected', async () => {
    const opened = await open(
      await treeOf(
        study(1, (s) => `1001/${s}`),
        placed(
          seriesSlices('sagittal_t2', { study: 2, series: 1, attributes: { Modality: 'CT' } }),
          (i) => `1002/1/${i}`,
        ),
      ),
    );
    expect(opened.studies[1]).toMatchObject({
      study: '1002',
      series: [],
      rejected: [{ series: '1', rejection: 'not_mr', images: 3 }],
    });
    expect(opened.dataset.scan!.withoutSeries).toEqual(['1002']);
  });

  it('an image that lies in several places is taken once, from the folder that has most of its series', async () => {
    const slices = seriesSlices('sagittal_t2', { study: 1, series: 1, slices: 5 });
    const folder = await treeOf(
      placed(slices, (i) => `Z/1/${i}`),
      placed(slices.slice(0, 2), (i) => `A/partial copy/${i}`),
      placed(slices.slice(2, 3), () => 'Z/1/2 (copy)'),
    );
    const opened = await open(folder);
    expect(opened.studies.map((entry) => [entry.study, ...readOf(opened, entry)])).toEqual([
      ['Z', ['1', 'sagittal_t2', 5]],
    ]);
    expect(pathsOf(folder, opened.studies[0]!.series[0]!)).toEqual(['Z/1/0', 'Z/1/1', 'Z/1/2', 'Z/1/3', 'Z/1/4']);
    expect(opened.dataset.skipped()).toEqual({ duplicate: 3 });
  });

  it('a copy that is cut in its pixels never takes the place of the whole image', async () => {
    const slices = seriesSlices('sagittal_t2', { study: 1, series: 1, slices: 4 });
    const cut = slices.map((slice) => slice.subarray(0, slice.length - 20));
    for (const [first, second] of [
      [cut, slices],
      [slices, cut],
      [
        [...slices.slice(0, 2), ...cut.slice(2)],
        [...cut.slice(0, 2), ...slices.slice(2)],
      ],
      // The folder with the cut ones holds most of the series.
      [cut, slices.slice(0, 1)],
    ] as const) {
      const folder = await treeOf(
        placed(first, (i) => `A/1/${i}`),
        placed(second, (i) => `B/1/${i}`),
      );
      const opened = await open(folder);
      const { instances } = opened.studies[0]!.series[0]!;
      const sizes = instances.map(({ fingerprint }) => Number(fingerprint.split('-')[0]));
      const largest = first.map(({ length }, i) => Math.max(length, second[i]?.length ?? 0));
      expect(sizes.sort()).toEqual(largest.sort());
      expect(opened.dataset.skipped()).toEqual({ duplicate: second.length });
    }
  });

  it('one SOPInstanceUID for all slices is no copy, as long as they lie in different places', async () => {
    const slices = seriesSlices('sagittal_t2', {
      study: 1,
      series: 1,
      slices: 5,
      attributes: { SOPInstanceUID: `${UID_ROOT}.9` },
    });
    const opened = await open(await treeOf(placed(slices, (i) => `A/1/${i}`)));
    expect(readOf(opened, opened.studies[0]!)).toEqual([['1', 'sagittal_t2', 5]]);
    expect(opened.dataset.skipped()).toEqual({});
  });

  it('the same series scanned twice under two UIDs is two series', async () => {
    const again = seriesSlices('sagittal_t2', { study: 1, series: 8 });
    const opened = await open(
      await treeOf(
        study(1, (s) => `1001/${s}`),
        placed(again, (i) => `1001/8/${i}`),
      ),
    );
    expect(readOf(opened, opened.studies[0]!)).toEqual([...KINDS_BY_NUMBER, ['8', 'sagittal_t2', 3]]);
  });

  it('images without UIDs belong to their folders, with a problem', async () => {
    const attributes = { StudyInstanceUID: undefined, SeriesInstanceUID: undefined };
    const tree = (n: number) => ({
      ...placed(seriesSlices('sagittal_t2', { study: n, series: 1, attributes }), (i) => `${n}/t2/${i}`),
      ...placed(seriesSlices('axial_t2', { study: n, series: 1, attributes }), (i) => `${n}/ax/${i}`),
    });
    const opened = await open(await treeOf(tree(1), tree(2)));
    expect(
      opened.studies.map((entry) => [entry.study, entry.problems?.map(({ code }) => code), readOf(opened, entry)]),
    ).toEqual(
      ['1', '2'].map((id) => [
        id,
        ['STUDY_UID_MISSING'],
        [
          ['ax', 'axial_t2', 3],
          ['t2', 'sagittal_t2', 3],
        ],
      ]),
    );
  });

  it('files keep the order of their names, numbers as numbers', async () => {
    const slices = seriesSlices('axial_t2', { study: 1, series: 1, slices: 12 });
    const folder = await treeOf(placed(slices, (i) => `A/1/IM${i}`));
    const [entry] = (await open(folder)).studies;
    expect(pathsOf(folder, entry!.series[0]!)).toEqual(Array.from({ length: 12 }, (_, i) => `A/1/IM${i}`));
  });
});

describe('what is no image', () => {
  it('is skipped and counted by reason, and nothing is refused', async () => {
    const folder = await treeOf(
      study(1, (s) => `1001/${s}`),
      {
        '__MACOSX/1001/._1.dcm': 'x',
        '@eaDir/1001/1.dcm': 'x',
        'lost+found/': '',
        '$RECYCLE.BIN/desktop.ini': 'x',
        'System Volume Information/x': 'x',
        '#recycle/1.dcm': 'x',
        '.DS_Store': 'x',
        '1001/._x': 'x',
        '1001/.git/1.dcm': 'x',
        '1001/Thumbs.db': 'x',
        'README.txt': 'hello',
        'autorun.inf': '[autorun]',
        'viewer.exe': Buffer.from('MZ\0\0'),
        '1001/1/preview.jpg': Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]),
        '1001/report.pdf': '%PDF-1.4',
        '1001/1/empty': '',
        DICOMDIR: 'x',
        '1001/report': writeDicom(
          {
            SOPClassUID: '1.2.840.10008.5.1.4.1.1.88.22',
            SOPInstanceUID: `${UID_ROOT}.77`,
            StudyInstanceUID: studyUid(1),
            SeriesInstanceUID: seriesUid(1, 66),
            Modality: 'SR',
          },
          { transferSyntax: 'explicit_little' },
        ),
      },
    );
    const opened = await open(folder);
    expect(opened.studies.map((entry) => [entry.study, readOf(opened, entry), entry.problems])).toEqual([
      ['1001', KINDS_BY_NUMBER, undefined],
    ]);
    expect(opened.dataset.skipped()).toEqual({
      hidden: 3,
      left_behind: 7,
      empty: 1,
      not_dicom: 5,
      dicomdir: 1,
      no_image: 1,
    });
  });

  it.each(['1.IMA', '1.MRDCM', '1.dicom', '1', '1.2.3.4', 'MR.0001', 'scan.jpg', 'a b %41 ü.tmp'])(
    'is not known by its name: an image is read from %s',
    async (name) => {
      const [slice] = seriesSlices('sagittal_t2', { study: 1, series: 1, slices: 1 });
      const folder = await treeOf({ [`A/1/${name}`]: slice! });
      const opened = await open(folder);
      expect(pathsOf(folder, opened.studies[0]!.series[0]!)).toEqual([`A/1/${name}`]);
      // As a listing of the same folder names it: the location is what stage 1 fetches.
      const [listed] = await Array.fromAsync(sources.list(opened.studies[0]!.series[0]!.instances[0]!.location));
      expect(listed).toMatchObject(opened.studies[0]!.series[0]!.instances[0]!);
    },
  );

  it('is told of by name on its series where it was an image: cut anywhere, empty, or overwritten', async () => {
    const [, , third] = seriesSlices('sagittal_t2', { study: 1, series: 1 });
    for (const damaged of [
      third!.subarray(0, 100),
      third!.subarray(0, 135),
      third!.subarray(0, 200),
      Buffer.alloc(0),
      Buffer.alloc(5000, 'x'),
    ]) {
      const opened = await open(
        await treeOf(
          study(1, (s) => `1001/${s}`),
          { '1001/1/3.dcm': damaged },
        ),
      );
      const [first, ...others] = opened.studies[0]!.series;
      const named = first!.instances.some(({ location }) => location.endsWith('/3.dcm'));
      if (!named)
        expect(first!.problems).toEqual([
          { code: 'FILES_DAMAGED', message: expect.stringMatching(/^1 file .*: 3\.dcm \(/) },
        ]);
      expect(others.every(({ problems }) => problems === undefined)).toBe(true);
      expect(first!.instances.length).toBe(named ? 3 : 2);
    }
  });

  it('every truncation of a file leaves the rest as it is, and the file named or read', async () => {
    const [, , third] = seriesSlices('sagittal_t2', { study: 1, series: 1 });
    const folder = await treeOf(study(1, (s) => `1001/${s}`));
    for (let length = 0; length < third!.length; length += 23) {
      await writeFile(join(folder, '1001/1/3.dcm'), third!.subarray(0, length));
      const { studies } = await open(folder);
      const [first] = studies[0]!.series;
      expect(studies[0]!.series.map(({ series, instances }) => [series, instances.length >= 2])).toEqual([
        ['1', true],
        ['2', true],
        ['3', true],
      ]);
      expect(first!.instances.length === 3 || first!.problems?.[0]?.message.includes('3.dcm')).toBe(true);
    }
  });

  it.skipIf(process.platform === 'win32')('never holds the scan up: pipes, sockets, links in circles', async () => {
    const folder = await treeOf(
      study(1, (s) => `1001/${s}`),
      { 'loop/a/': '', 'loop/b/': '' },
    );
    execFileSync('mkfifo', [join(folder, '1001/1/pipe.dcm')]);
    await symlink(folder, join(folder, 'self'));
    await symlink('../b', join(folder, 'loop/a/b'));
    await symlink('../a', join(folder, 'loop/b/a'));
    await symlink('../a', join(folder, 'loop/b/again'));
    await symlink('nowhere', join(folder, 'broken'));
    await symlink('1001/1/pipe.dcm', join(folder, 'to a pipe'));
    const opened = await open(folder);
    expect(opened.studies.map((entry) => [entry.study, readOf(opened, entry)])).toEqual([['1001', KINDS_BY_NUMBER]]);
    expect(opened.dataset.skipped()).toEqual({ special: 3, link: 4 });
  });

  it('a folder that a link leads to is read, once', async () => {
    const elsewhere = await treeOf(study(1, (s) => s));
    const folder = await treeOf(study(2, (s) => `1002/${s}`));
    await symlink(elsewhere, join(folder, '1001'));
    await symlink(elsewhere, join(folder, 'zz'));
    const opened = await open(folder);
    expect(opened.studies.map((entry) => [entry.study, readOf(opened, entry)])).toEqual([
      ['1001', KINDS_BY_NUMBER],
      ['1002', KINDS_BY_NUMBER],
    ]);
    expect(opened.dataset.skipped()).toEqual({ link: 1 });
  });

  it('a file with two hard links is one image', async () => {
    const folder = await treeOf(study(1, (s) => `1001/${s}`));
    await mkdir(join(folder, 'backup'));
    await link(join(folder, '1001/1/1.dcm'), join(folder, 'backup/1.dcm'));
    const opened = await open(folder);
    expect(readOf(opened, opened.studies[0]!)).toEqual(KINDS_BY_NUMBER);
    expect(opened.dataset.skipped()).toEqual({ duplicate: 1 });
  });

  it('the output folder and stores of spineline are no part of the dataset', async () => {
    const folder = await treeOf(
      study(1, (s) => `1001/${s}`),
      study(2, (s) => `out/1002/${s}`),
      study(3, (s) => `old/store/stages/1003/${s}`),
      {
        'old/store/datasets/pages/ab/x.jsonl.zst': 'x',
        'old/store/runs/r/run.json': '{}',
      },
    );
    const opened = await open(folder, { excluded: [join(folder, 'out')] });
    expect(opened.studies.map((entry) => entry.study)).toEqual(['1001']);
    expect(opened.dataset.skipped()).toEqual({ output: 2 });
    // The given folder is read, even if the results are written to it too.
    const itself = await open(join(folder, 'out'), { excluded: [join(folder, 'out')] });
    expect(itself.studies.map((entry) => entry.study)).toEqual(['1002']);
  });
});

describe('on a server', () => {
  it('a healthy study beside described ones and a lost one stays, whatever lies between', async () => {
    const csv = 'study_id,series_id,series_description\n100,1,Sagittal T2/STIR\n300,1,Sagittal T2/STIR\n';
    const good = (n: number, id: string) =>
      plainStudy(n).sagittal_t2.map((file, i): [string, Buffer] => [`s3://bucket/x/test_images/${id}/1/${i}`, file]);
    const files = new Map<string, Buffer>([
      ['s3://bucket/x/test_series_descriptions.csv', Buffer.from(csv)],
      ...good(1, '100'),
      ['s3://bucket/x/test_images/200/1/1.dcm', Buffer.from('garbage')],
      ...good(3, '300'),
      ...good(4, '400'),
      ...good(5, '500'),
    ]);
    const lister: InstanceLister = {
      head: async (location) => {
        const file = files.get(location);
        return file && { size: file.length, fingerprint: 'f' };
      },
      async *list(prefix) {
        for (const [location, { length }] of files) {
          if (location.startsWith(prefix)) yield { location, size: length, fingerprint: 'f' };
        }
      },
      readStart: async (location, bytes) => files.get(location)!.subarray(0, bytes),
    };
    const { studies } = await open('s3://bucket/x/', undefined, lister);
    expect(studies.map(({ study: id, series }) => [id, series.length])).toEqual([
      ['100', 1],
      ['200', 0],
      ['300', 1],
      ['400', 1],
      ['500', 1],
    ]);
    for (const { study: id, series } of studies) {
      for (const { location } of series[0]?.instances ?? []) expect(location).toContain(`/${id}/`);
    }
  });

  it('the store of this command is no part of the dataset it lies in', async () => {
    const files = new Map([
      ...plainStudy(1).sagittal_t2.map((file, i): [string, Buffer] => [`s3://bucket/x/A/1/${i}`, file]),
      ...plainStudy(2).sagittal_t2.map((file, i): [string, Buffer] => [`s3://bucket/x/store/B/1/${i}`, file]),
      ...plainStudy(3).sagittal_t2.map((file, i): [string, Buffer] => [`s3://bucket/x/storeroom/C/1/${i}`, file]),
    ]);
    const lister: InstanceLister = {
      head: async () => undefined,
      async *list(prefix) {
        for (const [location, { length }] of files) {
          if (location.startsWith(prefix)) yield { location, size: length, fingerprint: 'f' };
        }
      },
      readStart: async (location, bytes) => files.get(location)!.subarray(0, bytes),
    };
    const { studies, dataset } = await open('s3://bucket/x', { excluded: ['s3://bucket/x/store/'] }, lister);
    expect(studies).toHaveLength(2);
    expect(dataset.skipped()).toEqual({ output: 3 });
  });
});

describe('the same files', () => {
  it('give the same entries in whatever order they were written, and by threads as without', async () => {
    const trees = Array.from({ length: 45 }, (_, n) => study(n + 1, (s) => `${1000 + n}/${s}`));
    const folder = await treeOf(...trees);
    const reversed = await temporaryFolder();
    for (const tree of [...trees].reverse())
      await writeTree(reversed, Object.fromEntries(Object.entries(tree).reverse()));
    const some = await temporaryFolder();
    for (let n = 0; n < 10; n++) await cp(join(folder, `${1000 + n}`), join(some, `${1000 + n}`), { recursive: true });

    // 540 files are read by threads, 120 without.
    const relative = (root: string, { studies }: Opened) =>
      studies.map(({ study: id, series }) => ({
        id,
        series: series.map((one) => ({ ...one, instances: pathsOf(root, one) })),
      }));
    const all = relative(folder, await open(folder));
    expect(all).toHaveLength(45);
    expect(relative(reversed, await open(reversed))).toEqual(all);
    expect(relative(some, await open(some))).toEqual(all.slice(0, 10));
  });

  it('give the same entries in whatever order a server lists them', async () => {
    const { sagittal_t2, sagittal_t1, axial_t2 } = plainStudy(1);
    const files: [string, Buffer][] = [
      ...[...sagittal_t2, ...sagittal_t1].map((file, i): [string, Buffer] => [`s3://bucket/x/A/1/${i}`, file]),
      ...axial_t2.map((file, i): [string, Buffer] => [`s3://bucket/x/B/${i}`, file]),
      ...sagittal_t2.map((file, i): [string, Buffer] => [`s3://bucket/x/copy/${i}`, file]),
      ...seriesSlices('localizer', { study: 1, series: 9 }).map((file, i): [string, Buffer] => [
        `s3://bucket/x/A/${i}`,
        file,
      ]),
    ];
    const results: StudyEntry[][] = [];
    for (let rotation = 0; rotation < files.length; rotation += 3) {
      const order = [...files.slice(rotation), ...files.slice(0, rotation)];
      if (rotation % 2 === 1) order.reverse();
      const { studies } = await open('s3://bucket/x/', undefined, {
        head: async () => undefined,
        async *list(prefix) {
          for (const [location, { length }] of order) {
            if (location.startsWith(prefix)) yield { location, size: length, fingerprint: String(length) };
          }
        },
        readStart: async (location, bytes) => new Map(files).get(location)!.subarray(0, bytes),
      });
      results.push(studies);
    }
    for (const result of results) expect(result).toEqual(results[0]);
    expect(results[0]).toMatchObject([{ series: [{}, {}, {}], rejected: [{ rejection: 'localizer' }] }]);
  });

  it('are read again by studies() as they were when the dataset was opened', async () => {
    const { dataset, studies } = await open(await treeOf(study(1, (s) => `1001/${s}`)));
    expect(await Array.fromAsync(dataset.studies())).toEqual(studies);
  });
});

describe('privacy', () => {
  it('a file that is named by its UID is told of by a digest', async () => {
    const uid = '1.2.840.113619.2.176.3596.6688992';
    const files = [`${uid}.dcm`, `MR.${uid}`, '2.25.329800735698586629295641978511506172918.dcm'];
    const bad = Object.fromEntries(files.map((name) => [`1001/1/${name}`, '']));
    const { studies, dataset } = await open(
      await treeOf(
        study(1, (s) => `1001/${s}`),
        bad,
        { [`1001/1/cut ${uid}.dcm`]: 'x', [`${uid}/${uid}.dcm`]: 'x' },
      ),
    );
    const told = JSON.stringify([
      studies.map(({ study: id, problems, series }) => [id, problems, series.map((one) => one.problems)]),
      dataset.scan,
    ]);
    expect(told).not.toMatch(/1\.2\.840|2\.25\.3/);
    const [first] = studies[0]!.series;
    expect(first!.problems![0]!.message).toMatch(/ uid-[\da-f]{8}\.dcm \(.* cut uid-[\da-f]{8}\.dcm \(/);
  });

  it('no name, number of a patient, text or UID of a header gets into entries, notes or the summary', async () => {
    const described = {
      SeriesDescription: 'Secretville t2 sag',
      StudyDescription: 'Mrs. Confidential',
      ProtocolName: 'private protocol',
    };
    const tree = [
      placed(seriesSlices('sagittal_t2', { study: 1, series: 1, attributes: described }), (i) => `a/${i}`),
      placed(
        seriesSlices('localizer', { study: 1, series: 2, attributes: { StudyDescription: 'Mrs. Confidential' } }),
        (i) => `b/${i}`,
      ),
      placed(
        seriesSlices('sagittal_t2', {
          study: 2,
          series: 1,
          attributes: { ...described, ImageOrientationPatient: [...SAGITTAL].map(() => 0) },
        }),
        (i) => `b/x${i}`,
      ),
      placed(
        [seriesSlices('sagittal_t2', { study: 1, series: 1, attributes: described })[0]!.subarray(0, 300)],
        () => 'a/cut.dcm',
      ),
    ];
    const { dataset, studies } = await open(await treeOf(...tree));
    const told = JSON.stringify([studies, dataset.scan, dataset.notes, dataset.skipped()]);
    for (const secret of [PATIENT_NAME, PATIENT_ID, UID_ROOT, 'Secretville', 'Confidential', 'private protocol']) {
      expect(told).not.toContain(secret);
    }
    expect(JSON.stringify([...dataset.identities()])).toContain('Secretville'); // for the person who asks for it
  });
});
