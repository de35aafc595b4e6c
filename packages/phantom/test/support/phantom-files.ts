/** The files of a phantom dataset as a reader finds them: headers, stored values, labels. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DicomHeader } from '@spineline/shared/dicom';
import { openStored, type StoredImage } from '../../../shared/dicom/stored-values.ts';
import type { SlicePlane } from '../../../shared/geometry/slice-plane.ts';
import { storedOf } from '../../../shared/test/support/dicom-stored.ts';

export interface PhantomFile {
  readonly file: string;
  readonly bytes: Buffer;
  readonly header: DicomHeader;
  /** Decodes a frame to stored values. */
  readonly stored: StoredImage['stored'];
}

/** Every image of a dataset, in the order of their paths. */
export async function phantomFiles(directory: string): Promise<PhantomFile[]> {
  const root = join(directory, 'train_images');
  const names = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.dcm')).sort();
  return Promise.all(
    names.map(async (file) => {
      const bytes = await readFile(join(root, file));
      return { file, bytes, ...openStored(bytes) };
    }),
  );
}

/** The stored values of the first frame. */
export async function storedValues(file: PhantomFile): Promise<number[]> {
  return [...(await storedOf(file))];
}

export function planeOf({ header }: PhantomFile): SlicePlane {
  const { position, orientation, spacing } = header.frames[0]!;
  return {
    rows: header.rows,
    columns: header.columns,
    position: position!,
    orientation: orientation!,
    spacing: spacing!,
  };
}

/** The rows of a table as objects. */
export async function tableOf(directory: string, name: string): Promise<Record<string, string>[]> {
  const [head, ...lines] = (await readFile(join(directory, name), 'utf8')).trim().split('\n');
  const columns = head!.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, at) => [columns[at]!, value])));
}
