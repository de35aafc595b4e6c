/**
 * Folders with small DICOM files, as users bring them: series of a few slices with the header of a kind, under any file
 * name. Only files that a test names are written.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DicomDataset } from '@spineline/phantom/dicom-writer';
import { AXIAL, dicomSlice, SAGITTAL, UID_ROOT } from './small-study.ts';

/** Files by path below a folder; a path that ends in a slash is an empty folder. */
export type Tree = Readonly<Record<string, string | Uint8Array>>;

export async function writeTree(folder: string, tree: Tree): Promise<void> {
  for (const [name, content] of Object.entries(tree)) {
    const path = join(folder, name);
    await mkdir(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!name.endsWith('/')) await writeFile(path, content);
  }
}

export type Look = 'sagittal_t2' | 'sagittal_t1' | 'axial_t2' | 'localizer';

const HEADERS: Readonly<Record<Look, DicomDataset>> = {
  sagittal_t2: { SeriesDescription: 't2_tse_sag', EchoTime: 105, RepetitionTime: 3500 },
  sagittal_t1: { SeriesDescription: 't1_tse_sag', EchoTime: 11, RepetitionTime: 560 },
  axial_t2: { SeriesDescription: 't2_tse_tra', EchoTime: 105, RepetitionTime: 3500 },
  localizer: { SeriesDescription: 'localizer', EchoTime: 4, RepetitionTime: 9 },
};

export interface SeriesOptions {
  /** Numbers of the study and of the series. The UIDs are made from them. */
  readonly study: number;
  readonly series: number;
  readonly slices?: number;
  /** Added to every slice; `undefined` removes an attribute. */
  readonly attributes?: DicomDataset;
}

export const studyUid = (study: number) => `${UID_ROOT}.50.${study}`;
export const seriesUid = (study: number, series: number) => `${UID_ROOT}.50.${study}.${series}`;

/** The slices of a series, 4 mm apart, in the order of their instance numbers. */
export function seriesSlices(look: Look, { study, series, slices = 3, attributes = {} }: SeriesOptions): Buffer[] {
  const axial = look === 'axial_t2';
  return Array.from({ length: slices }, (_, i) =>
    dicomSlice({
      StudyInstanceUID: studyUid(study),
      SeriesInstanceUID: seriesUid(study, series),
      SOPInstanceUID: `${seriesUid(study, series)}.${i + 1}`,
      FrameOfReferenceUID: `${UID_ROOT}.51.${study}`,
      SeriesNumber: series,
      InstanceNumber: i + 1,
      ScanningSequence: look === 'localizer' ? 'GR' : 'SE',
      ImageOrientationPatient: axial ? [...AXIAL] : [...SAGITTAL],
      ImagePositionPatient: axial ? [0, 0, 4 * i] : [4 * i, 0, 0],
      ...HEADERS[look],
      ...attributes,
    }),
  );
}

/** The three kinds of a study as series 1 to 3. */
export function plainStudy(study: number): Readonly<Record<'sagittal_t2' | 'sagittal_t1' | 'axial_t2', Buffer[]>> {
  return {
    sagittal_t2: seriesSlices('sagittal_t2', { study, series: 1 }),
    sagittal_t1: seriesSlices('sagittal_t1', { study, series: 2, slices: 4 }),
    axial_t2: seriesSlices('axial_t2', { study, series: 3, slices: 5 }),
  };
}

/** Files under the names that `name` gives them. */
export function placed(slices: readonly Uint8Array[], name: (place: number) => string): Tree {
  return Object.fromEntries(slices.map((slice, place) => [name(place), slice]));
}
