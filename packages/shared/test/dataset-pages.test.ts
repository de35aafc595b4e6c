import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compareNatural, datasetDigest, readPage, StudyEntry, StudyPage, writePages } from '../dataset/index.ts';

const studies: StudyEntry[] = Array.from({ length: 7 }, (_, i) => ({
  study: `${i}`,
  series: [
    {
      series: '1',
      ...(i % 2 === 0 && { kind: 'axial_t2' as const, description: 'Axial T2' }),
      instances: [{ location: `s3://bucket/${i}/1.dcm`, fingerprint: 'abc-1' }],
    },
  ],
  ...(i === 3 && { problems: [{ code: 'STUDY_NOT_DESCRIBED' as const, message: 'not described' }] }),
}));

const dataset = (entries: StudyEntry[]) => ({
  async *studies() {
    yield* entries;
  },
});
const pagesOf = (entries: StudyEntry[], pageSize = 3) => Array.fromAsync(writePages(dataset(entries), { pageSize }));

describe('pages of a dataset', () => {
  it('read back as the studies that went in', async () => {
    const pages = await pagesOf(studies);
    expect(pages.map((page) => [page.index, page.studies])).toEqual([
      [0, 3],
      [1, 3],
      [2, 1],
    ]);
    expect(pages.flatMap(({ bytes, digest }) => readPage(bytes, { digest }))).toEqual(studies);
    expect(await pagesOf([])).toEqual([]);
  });

  it('give a single study without parsing the others, and undefined for a study of another page', async () => {
    const [first, second] = await pagesOf(studies);
    const page = new StudyPage(first!.bytes, { digest: first!.digest });
    expect(page.studies).toEqual(['0', '1', '2']);
    expect(studies.map(({ study }) => page.get(study))).toEqual([...studies.slice(0, 3), ...Array(4).fill(undefined)]);
    expect(() => new StudyPage(second!.bytes, { key: 'a page', digest: first!.digest })).toThrow('a page is damaged');
    const notStudies = zstdCompressSync('{"series":1,"study":"a"}\nno JSON\n');
    expect(() => new StudyPage(notStudies)).toThrow('no study entry on line 2');
    expect(() => new StudyPage(zstdCompressSync('{"series":1,"study":"a"}\n')).get('a')).toThrow(
      'no study entry on line 1',
    );
  });

  it('are JSON Lines, one study a line', async () => {
    const [page] = await pagesOf(studies);
    const text = zstdDecompressSync(page!.bytes).toString();
    expect(text.endsWith('\n')).toBe(true);
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => StudyEntry.parse(JSON.parse(line)).study),
    ).toEqual(['0', '1', '2']);
  });

  it('have digests that do not depend on the order of members, and change with a fingerprint', async () => {
    const digest = async (entries: StudyEntry[]) => datasetDigest((await pagesOf(entries)).map((page) => page.digest));
    const reordered = studies.map(
      (study) => Object.fromEntries(Object.entries(study).reverse()) as unknown as StudyEntry,
    );
    const changed = structuredClone(studies);
    changed[6]!.series[0]!.instances[0]!.fingerprint = 'abd-1';
    expect(await digest(reordered)).toBe(await digest(studies));
    expect(await digest(changed)).not.toBe(await digest(studies));
    expect(await digest(studies.slice(0, 6))).not.toBe(await digest(studies));
    expect(await digest(studies)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('that are damaged are refused by name', async () => {
    const [page] = await pagesOf(studies);
    const damaged = Uint8Array.from(page!.bytes);
    damaged[damaged.length - 3]! ^= 0xff;
    expect(() => readPage(damaged, { key: 'datasets/x/0', digest: page!.digest })).toThrow('datasets/x/0 is damaged');
    expect(() => readPage(new Uint8Array([1, 2, 3]))).toThrow('damaged');
    expect(() => readPage(page!.bytes, { digest: '0'.repeat(64) })).toThrow(`found ${page!.digest}`);
  });
});

describe('natural order', () => {
  it('compares runs of digits as numbers of any length, and is never undecided', () => {
    const sorted = [
      '',
      '1',
      '01',
      '2.dcm',
      '9',
      '10',
      '10a',
      '99999999999999999998',
      '99999999999999999999',
      'a',
      'a2',
      'a10',
      'b',
    ];
    for (const [i, a] of sorted.entries()) {
      for (const [k, b] of sorted.entries()) {
        if (a === '01' || b === '01' || a === '1' || b === '1') continue;
        expect(Math.sign(compareNatural(a, b)), `${a} and ${b}`).toBe(Math.sign(i - k));
      }
    }
    expect(compareNatural('01', '1')).not.toBe(0);
    expect(compareNatural('01', '1')).toBe(-compareNatural('1', '01'));
    expect(compareNatural('1', '2')).toBeLessThan(0);
  });

  it('are named by the same digest as before entries could say what was rejected, and those that do read back', async () => {
    // Pinned: pages that are stored already must be found, and runs must find what they computed.
    const [page] = await pagesOf(studies, 10);
    expect(page!.digest).toBe('619815160ae2a6a475b180a45994150433f01a1e5f7ebe9784bbf4f883ec9ea4');
    const rejected: StudyEntry = {
      study: 'x',
      series: [
        { ...studies[0]!.series[0]!, reasons: ['axial by its planes'], trust: 'description' },
        {
          series: '2',
          instances: [{ location: 'dicomweb+https://host/web/studies/1/series/2/instances/3', fingerprint: 'f' }],
        },
      ],
      rejected: [{ series: '3', images: 3, rejection: 'localizer', reason: 'ImageType LOCALIZER' }],
    };
    const [other] = await pagesOf([rejected]);
    expect(readPage(other!.bytes, { digest: other!.digest })).toEqual([rejected]);
  });
});
