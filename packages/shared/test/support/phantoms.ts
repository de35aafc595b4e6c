/**
 * Phantom datasets for tests, each made once for all test files (`test-cache.ts`). Nothing may write into them; with
 * `copyTo` a test gets files of its own to change.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateExport, generatePhantom, oneSided, type PhantomOptions } from '@spineline/phantom';
import type { ExportExpectations } from '../../../phantom/src/export/expectations.ts';
import type { Side } from '../../domain/index.ts';
import { madeOnce } from './test-cache.ts';

export { copyTo } from './test-cache.ts';

const GENERATOR = ['packages/phantom/src', 'packages/shared/domain'];

export interface PhantomDataset extends Pick<
  PhantomOptions,
  'studies' | 'seed' | 'firstStudy' | 'storedAs' | 'padding'
> {
  /** Half the rows and columns at twice the spacing, a quarter of the bytes. Default true. */
  readonly small?: boolean;
  /** Studies with missing kinds, compressed files and the like. Default false. */
  readonly awkward?: boolean;
  /** Foramina and recesses of this side severely narrowed, all else normal. Default as the seed draws it. */
  readonly oneSided?: Side;
}

/** The folder of a dataset in the layout of the challenge, as `spineline phantom` makes it. */
export function phantomDataset(dataset: PhantomDataset): Promise<string> {
  const { oneSided: side, ...options } = { small: true, awkward: false, ...dataset };
  return madeOnce('phantom', { side, ...options }, GENERATOR, (folder) =>
    generatePhantom(folder, { ...options, ...(side && { severities: oneSided(side) }) }),
  );
}

/** A small export of vendors' scanners and PACS, and what a reader must make of it. */
export async function phantomExport(options: {
  readonly seed: number;
  /** Default one of each kind. */
  readonly studies?: number;
}): Promise<{ folder: string; expectations: ExportExpectations }> {
  const folder = await madeOnce('export', options, GENERATOR, (unfinished) =>
    generateExport(unfinished, { small: true, ...options }),
  );
  return { folder, expectations: JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) };
}
