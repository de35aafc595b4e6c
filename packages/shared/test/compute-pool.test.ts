/** Compute threads and fetching: what is sent between threads, and what happens if a file cannot be fetched. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prepareStage1, prepareXy } from '../compute/compute-tasks.ts';
import { ComputePool } from '../compute/index.ts';
import { SpinelineError, StoreUnavailableError } from '../domain/index.ts';
import type { BundleOf } from '../models/index.ts';
import { type FetchedFile, openSources, type SourceReader, fetchFiles } from '../sources/index.ts';
import type { Files } from '../stages/index.ts';
import { axialStack, sagittalStack, smallStudy } from './support/small-study.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const INPUT: BundleOf<1>['input'] = {
  size: [4, 4],
  slices: 8,
  normalise: { method: 'percentile', low: 1, high: 99 },
  resize: { filter: 'bilinear', antialias: true },
};

function openPool(threads: number): ComputePool {
  const pool = new ComputePool(threads);
  onTestFinished(() => pool.close());
  return pool;
}

describe('a compute thread', () => {
  it('gives what the task gives, takes the files that are handed over, and leaves others with their owner', async () => {
    const { study, files } = smallStudy([
      { series: '11', kind: 'sagittal_t2', slices: sagittalStack(5) },
      { series: '13', kind: 'axial_t2', slices: axialStack(5) },
    ]);
    const task = { study, files, input: INPUT };
    const pool = openPool(1);
    const found = await pool.run('prepareStage1', task);
    expect(found).toEqual(await prepareStage1(task));
    expect(found.volumes.scs!.sample.volume!.data).toBeInstanceOf(Float32Array);
    expect([...files.values()].every((file) => (file as Uint8Array).byteLength > 0)).toBe(true);
    const [handed, [pooled]] = [withOwnBuffers(files), [Buffer.from('an array of a pool')]];
    const again = { ...task, files: handed };
    expect(await pool.run('prepareStage1', again, undefined, [...handed.values(), pooled])).toEqual(found);
    expect([...handed.values()].every((file) => (file as Uint8Array).byteLength === 0)).toBe(true);
    expect(pooled!.byteLength).toBeGreaterThan(0);
  });

  it('throws what the task throws, with code, kind and context', async () => {
    const { study, files } = smallStudy([{ series: '11', kind: 'sagittal_t2', slices: [Buffer.from('no dicom')] }]);
    const pool = openPool(1);
    const error = await pool.run('prepareStage1', { study, files, input: INPUT }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SpinelineError);
    expect(error).toMatchObject({
      code: 'STUDY_UNREADABLE',
      kind: 'permanent',
      context: { study: '1001', series: '11', file: '1.dcm' },
    });
    // The thread is none the worse for it.
    const resize = { filter: 'bilinear', antialias: true } as const;
    const crops = { schema: 'spineline.crops/2', resize, regions: [], arrays: {}, flags: [] } as const;
    expect(await pool.run('readCrops', { crops: crops as never, bytes: new Uint8Array() })).toEqual({});
  });

  it('does several studies side by side', async () => {
    const pool = openPool(2);
    const found = await Promise.all(
      [1, 2, 3, 4].map((count) => {
        const { study, files } = smallStudy([{ series: '11', kind: 'sagittal_t2', slices: sagittalStack(count) }]);
        return pool.run('prepareStage1', { study, files, input: INPUT });
      }),
    );
    expect(found.map(({ index }) => index.series[0]!.slices.length)).toEqual([1, 2, 3, 4]);
  });
});

/** The same files, each with a buffer of its own, as sources give them. */
function withOwnBuffers(files: Files): Map<string, Uint8Array> {
  return new Map([...files].map(([location, file]) => [location, Uint8Array.from(file as Uint8Array)]));
}

describe('a session', () => {
  const XY: BundleOf<2>['input'] = { ...INPUT, channels: 3 };

  async function study() {
    const { study, files } = smallStudy([{ series: '11', kind: 'sagittal_t2', slices: sagittalStack(5) }]);
    const { index } = await prepareStage1({ study, files, input: INPUT });
    const { slices } = index.series[0]!;
    const imageAt = (i: number) => ({ series: '11', slices: [slices[i - 1]!, slices[i]!, slices[i + 1]!] as const });
    const filesOf = (...places: number[]) =>
      new Map(places.map((i) => [slices[i]!.location, Uint8Array.from(files.get(slices[i]!.location) as Uint8Array)]));
    return { study: study.study, files, imageAt, filesOf, slices };
  }

  it('gives each file once, and the tasks give what they give alone', async () => {
    const { study: name, files, imageAt, filesOf, slices } = await study();
    const session = openPool(2).openSession(name);
    const first = await session.run('prepareXy', filesOf(0, 1, 2), { images: [imageAt(1)], input: XY });
    expect(slices.map(({ location }) => session.has(location))).toEqual([true, true, true, false, false]);
    const second = await session.run('prepareXy', filesOf(3), { images: [imageAt(2), imageAt(1)], input: XY });
    session.close();
    const alone = (images: ReturnType<typeof imageAt>[]) => prepareXy({ study: name, images, files, input: XY });
    expect(first).toEqual(await alone([imageAt(1)]));
    expect(second).toEqual(await alone([imageAt(2), imageAt(1)]));
  });

  it('notices a file that has changed, and one that is gone', async () => {
    const { study: name, imageAt, filesOf, slices } = await study();
    const pool = openPool(1);
    const changed = filesOf(0, 1, 2);
    changed.get(slices[2]!.location)![200]! ^= 1;
    const work = { images: [imageAt(1)], input: XY };
    const context = { study: name, file: '3.dcm' };
    await expect(pool.openSession(name).run('prepareXy', changed, work)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      context: { ...context, found: expect.stringContaining('SHA-256') },
    });
    const gone = new Map<string, FetchedFile>([...filesOf(0, 1), [slices[2]!.location, { missing: 'no file there' }]]);
    await expect(pool.openSession(name).run('prepareXy', gone, work)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      context: { ...context, found: 'no file there' },
    });
  });

  it('is forgotten when it is closed', async () => {
    const { study: name, imageAt, filesOf } = await study();
    const pool = openPool(1);
    const session = pool.openSession(name);
    const work = { images: [imageAt(1)], input: XY };
    await session.run('prepareXy', filesOf(0, 1, 2), work);
    session.close();
    // As after the death of its thread: a task that builds on earlier files may be retried, with all files.
    await expect(session.run('prepareXy', new Map(), work)).rejects.toMatchObject({
      code: 'COMPUTE_THREAD_DIED',
      kind: 'transient',
      context: { study: name },
    });
  });

  it('stays on one thread, and the next one takes the thread with the least work', async () => {
    const { study: name, imageAt, filesOf } = await study();
    const pool = openPool(2);
    const sessions = [1, 2, 3, 4].map(() => pool.openSession(name));
    const work = { images: [imageAt(1)], input: XY };
    const found = await Promise.all(sessions.map((session) => session.run('prepareXy', filesOf(0, 1, 2), work)));
    // On another thread there would be no files.
    for (const session of sessions) expect(await session.run('prepareXy', new Map(), work)).toEqual(found[0]);
    for (const session of sessions) session.close();
  });
});

describe('fetching', () => {
  it('gives the bytes by location, and a reason for a file that is gone', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, '1.dcm'), 'bytes');
    const [here, gone] = ['1.dcm', '2.dcm'].map((name) => pathToFileURL(join(folder, name)).href);
    const sources = openSources();
    onTestFinished(() => sources.close());
    const files = await fetchFiles(sources, [here!, gone!, here!]);
    expect([...files.keys()]).toEqual([here, gone]);
    expect(Buffer.from(files.get(here!) as Uint8Array).toString()).toBe('bytes');
    expect(files.get(gone!)).toEqual({ missing: 'no file there' });
  });

  /** Not a real source: no server here fails one read and not the next, to order. */
  function sourceThat(read: (location: string) => Promise<Uint8Array<ArrayBuffer>>): SourceReader {
    return { read, readStart: read, head: async () => undefined, async *list() {}, close: async () => {} };
  }

  it('reads each file once', async () => {
    const read: string[] = [];
    const sources = sourceThat(async (location) => {
      read.push(location);
      return Uint8Array.of(read.length);
    });
    await fetchFiles(sources, ['file:///a', 'file:///b', 'file:///b']);
    expect(read).toEqual(['file:///a', 'file:///b']);
  });

  it('takes no for an answer, and a store that does not answer for an error', async () => {
    const refused = sourceThat(async () => {
      throw new SpinelineError('OBJECT_ACCESS_DENIED', 'permanent', 'may not be read');
    });
    expect((await fetchFiles(refused, ['file:///a'])).get('file:///a')).toEqual({ missing: 'may not be read' });
    const silent = sourceThat(async () => {
      throw new StoreUnavailableError('no answer');
    });
    await expect(fetchFiles(silent, ['file:///a'])).rejects.toMatchObject({ kind: 'transient' });
  });
});
