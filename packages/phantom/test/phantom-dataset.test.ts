import { access, lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openImage } from '@spineline/shared/dicom';
import { ConfigError } from '@spineline/shared/domain';
import pngjs from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { copyTo } from '../../shared/test/support/phantoms.ts';
import { generatePhantom, renderContactSheet } from '../src/index.ts';
import type { PhantomSummary } from '../src/phantom.ts';
import { digests, temporaryFolder } from './dataset-folder.ts';

/** Studies 2 and 3 of seed 5: a plain one, and one with two axial series. */
const OPTIONS = { studies: 2, seed: 5, firstStudy: 2, small: true } as const;

describe('a generated dataset', async () => {
  const folder = await temporaryFolder();
  const one = join(folder, 'one');
  let summary: PhantomSummary;
  const progress: string[] = [];

  beforeAll(async () => {
    const onProgress = (done: number, total: number) => progress.push(`${done}/${total}`);
    summary = await generatePhantom(one, { ...OPTIONS, threads: 2, onProgress });
  });

  it('reports every study as it is done', () => {
    expect(progress).toEqual(['1/2', '2/2']);
  });

  it('is the same to the byte with one thread as with two', async () => {
    const other = join(folder, 'other');
    await generatePhantom(other, { ...OPTIONS, threads: 1 });
    expect(await digests(other)).toEqual(await digests(one));
  });

  it('is the same to the byte when it is made in parts', async () => {
    const part = join(folder, 'part');
    await generatePhantom(part, { ...OPTIONS, studies: 1, firstStudy: 3, threads: 1 });
    const whole = await digests(join(one, 'train_images'));
    const images = await digests(join(part, 'train_images'));
    const [study] = await readdir(join(part, 'train_images'));
    expect(images).toEqual(Object.fromEntries(Object.entries(whole).filter(([file]) => file.startsWith(`${study}/`))));
    const lines = async (directory: string) =>
      (await readFile(join(directory, 'train_label_coordinates.csv'), 'utf8')).split('\n');
    expect(await lines(one)).toEqual(expect.arrayContaining(await lines(part)));
  });

  it('counts its files and bytes, and says what is awkward', async () => {
    const files = Object.keys(await digests(join(one, 'train_images')));
    expect(summary).toMatchObject({ directory: one, seed: 5, studies: 2, series: 7, files: files.length });
    expect(summary.bytes).toBeGreaterThan(1e6);
    expect(summary.awkward).toEqual([
      { study: expect.stringMatching(/^\d{7,10}$/), what: expect.stringContaining('two axial series') },
    ]);
    const description = JSON.parse(await readFile(join(one, 'phantom.json'), 'utf8'));
    expect(description).toMatchObject({ seed: 5, firstStudy: 2, studies: 2, complete: true, awkward: summary.awkward });
    expect(description.artefacts).toEqual(summary.artefacts);
    expect(description.notice).toContain('NOT FOR CLINICAL USE');
  });

  it('has its images under both names and once on the disk', async () => {
    expect((await lstat(join(one, 'test_images'))).isSymbolicLink()).toBe(true);
    expect(await readlink(join(one, 'test_images'))).toBe('train_images');
  });

  it("has the challenge's tables", async () => {
    const table = async (name: string) =>
      (await readFile(join(one, name), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => line.split(','));
    const [head, ...rows] = await table('train.csv');
    expect(head).toHaveLength(26);
    expect(head!.slice(0, 3)).toEqual(['study_id', 'spinal_canal_stenosis_l1_l2', 'spinal_canal_stenosis_l2_l3']);
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      for (const grade of row.slice(1)) expect(['Normal/Mild', 'Moderate', 'Severe', '']).toContain(grade);
    }
    const series = await table('train_series_descriptions.csv');
    expect(series[0]).toEqual(['study_id', 'series_id', 'series_description']);
    expect(series).toHaveLength(1 + 7);
    expect(await table('test_series_descriptions.csv')).toEqual(series);
    const points = await table('train_label_coordinates.csv');
    expect(points[0]).toEqual(['study_id', 'series_id', 'instance_number', 'condition', 'level', 'x', 'y']);
    const graded = rows.flatMap((row) => row.slice(1)).filter((grade) => grade !== '').length;
    expect(points).toHaveLength(1 + graded);
    for (const [study, labelled, instance] of points.slice(1)) {
      await access(join(one, 'train_images', study!, labelled!, `${instance}.dcm`));
    }
    const exact = await table('truth_coordinates.csv');
    const places = (lines: string[][]) => lines.map(([study, id, , condition, level]) => [study, id, condition, level]);
    expect(places(exact)).toEqual(places(points));
    expect(exact).not.toEqual(points);
    const truth = await table('truth.csv');
    expect(truth[0]).toEqual(['row_id', 'narrowing', 'severity', 'series_id', 'instance_number', 'x', 'y']);
    expect(truth).toHaveLength(1 + 50);
    const placed = new Set(truth.map((line) => line.slice(3).join()));
    for (const [, id, instance, , , x, y] of exact.slice(1)) expect(placed).toContain([id, instance, x, y].join());
  });

  it('names a person that is plainly made up', async () => {
    const [study] = await readdir(join(one, 'train_images'));
    const [series] = await readdir(join(one, 'train_images', study!));
    const [file] = await readdir(join(one, 'train_images', study!, series!));
    const bytes = await readFile(join(one, 'train_images', study!, series!, file!));
    expect(bytes.includes('Phantom^Synthetic')).toBe(true);
    const { values } = await openImage(bytes).frame(0);
    expect(new Set(values).size).toBeGreaterThan(100);
  });

  it('is made again in its own folder, and never over images that it did not make', async () => {
    const again = join(folder, 'again');
    await copyTo(one, again);
    await generatePhantom(again, { studies: 1, seed: 2, threads: 1, small: true });
    expect(await readdir(join(again, 'train_images'))).toHaveLength(1);
    const foreign = join(folder, 'foreign');
    await mkdir(join(foreign, 'train_images', '1'), { recursive: true });
    await writeFile(join(foreign, 'train_images', '1', '1.dcm'), '');
    await expect(generatePhantom(foreign, { studies: 1, seed: 1 })).rejects.toThrow(ConfigError);
    await access(join(foreign, 'train_images', '1', '1.dcm'));
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort();
    const options = { studies: 50, seed: 1, threads: 1, small: true, signal: stop.signal, onProgress };
    await expect(generatePhantom(join(folder, 'stopped'), options)).rejects.toThrow(/abort/i);
    expect((await readdir(join(folder, 'stopped', 'train_images'))).length).toBeLessThan(4);
  });

  it('refuses options that make no sense', async () => {
    for (const wrong of [{ studies: 0 }, { seed: -1 }, { seed: 0.5 }, { threads: 0 }, { firstStudy: -1 }]) {
      await expect(generatePhantom(join(folder, 'none'), { ...OPTIONS, ...wrong })).rejects.toThrow(ConfigError);
    }
  });

  it('is shown on a contact sheet: pictures, rings in the colours of the severities, words', async () => {
    const file = join(folder, 'sheet.png');
    await renderContactSheet(one, file, { studies: 1 });
    const sheet = pngjs.PNG.sync.read(await readFile(file));
    expect(sheet.width).toBe(1624);
    const colours = new Map<string, number>();
    for (let at = 0; at < sheet.data.length; at += 4) {
      const colour = sheet.data.subarray(at, at + 3).join();
      colours.set(colour, (colours.get(colour) ?? 0) + 1);
    }
    const greys = [...colours.keys()].map((colour) => colour.split(',')).filter(([r, g, b]) => r === g && g === b);
    expect(greys.length).toBeGreaterThan(200);
    // Twenty-five targets are named and most are ringed: normal or mild is the commonest severity.
    expect(colours.get('90,220,110')).toBeGreaterThan(1000);
  });

  it('is not drawn for a folder that was not generated', async () => {
    await expect(renderContactSheet(join(folder, 'none'), join(folder, 'none.png'))).rejects.toThrow(/not generated/);
  });
});
