/** Compute threads and fetching: what is sent between threads, and what happens if a file cannot be fetched. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prepareStage1 } from '../compute/compute-tasks.ts';
import { ComputePool } from '../compute/index.ts';
import { SpinelineError, StoreUnavailableError } from '../domain/index.ts';
import type { BundleOf } from '../models/index.ts';
import { openSources, type SourceReader, fetchFiles } from '../sources/index.ts';
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
  it('gives what the task gives, and leaves the files with their owner', async () => {
    const { study, files } = smallStudy([
      { series: '11', kind: 'sagittal_t2', slices: sagittalStack(5) },
      { series: '13', kind: 'axial_t2', slices: axialStack(5) },
    ]);
    const task = { study, files, input: INPUT };
    const found = await openPool(1).run('prepareStage1', task);
    expect(found).toEqual(await prepareStage1(task));
    expect(found.volumes.scs!.sample.volume!.data).toBeInstanceOf(Float32Array);
    expect([...files.values()].every((file) => (file as Uint8Array).byteLength > 0)).toBe(true);
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

  it('reads each file once, and none that is there already', async () => {
    const read: string[] = [];
    const sources = sourceThat(async (location) => {
      read.push(location);
      return Uint8Array.of(read.length);
    });
    const have = new Map([['file:///a', Uint8Array.of(9)]]);
    const files = await fetchFiles(sources, ['file:///a', 'file:///b', 'file:///b'], have);
    expect(read).toEqual(['file:///b']);
    expect(files.get('file:///a')).toEqual(Uint8Array.of(9));
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
