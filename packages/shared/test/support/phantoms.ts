/**
 * Phantom datasets for tests, each made once for all test files (`test-cache.ts`). Tests must not write into them;
 * `copyTo` makes a copy that a test can change.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateExport, generatePhantom, oneSided, type PhantomOptions } from '@spineline/phantom';
import type { ExportExpectations } from '../../../phantom/src/export/expectations.ts';
import type { Side } from '../../domain/index.ts';
import { madeOnce } from './test-cache.ts';

export { copyTo } from './test-cache.ts';

const GENERATOR = ['packages/phantom/src', 'packages/shared/domain'];

export interface PhantomDataset extends Pick<PhantomOptions, 'studies' | 'firstStudy' | 'storedAs' | 'padding'> {
  /** Default 5. Tests that need no particular patients leave it out, and share their datasets. */
  readonly seed?: number;
  /** Halve rows and columns and double the spacing: a quarter of the bytes. Default true. */
  readonly small?: boolean;
  /** Studies with missing kinds, compressed files and the like. Default false. */
  readonly awkward?: boolean;
  /** Foramina and recesses of this side severely narrowed, everything else normal. Default: severities as drawn. */
  readonly oneSided?: Side;
}

/** The folder of a dataset in the layout of the challenge, as `spineline phantom` makes it. */
export function phantomDataset(dataset: PhantomDataset): Promise<string> {
  const { oneSided: side, ...options } = { seed: 5, small: true, awkward: false, ...dataset };
  return madeOnce('phantom', { side, ...options }, GENERATOR, (folder) =>
    generatePhantom(folder, { ...options, ...(side && { severities: oneSided(side) }) }),
  );
}

/** A small export of vendors' scanners and PACS, with the expected results. */
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
