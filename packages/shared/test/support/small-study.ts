/**
 * Studies of a few tiny DICOM slices, made in memory. Every slice has a position and different pixels, so that a test
 * can identify it. Any attribute can be replaced, or removed with `undefined`.
 */

import { type DicomDataset, writeDicom } from '@spineline/phantom/dicom-writer';
import type { SeriesEntry, StudyEntry } from '../../dataset/index.ts';
import type { Kind } from '../../domain/index.ts';
import type { FetchedFile } from '../../sources/index.ts';

/** A name and UIDs that no artefact, flag or message may repeat. */
export const PATIENT_NAME = 'Doe^Secret';
export const PATIENT_ID = 'MRN-4711';
export const UID_ROOT = '1.2.826.0.1.777';
const FRAME = `${UID_ROOT}.1`;
export const OTHER_FRAME = `${UID_ROOT}.2`;

export const SAGITTAL = [0, 1, 0, 0, 0, -1] as const;
export const AXIAL = [1, 0, 0, 0, 1, 0] as const;

/** The file of a slice: attributes that differ from the defaults, bytes, or the reason why it is missing. */
export type SliceSpec = DicomDataset | Uint8Array | { readonly missing: string };

export interface SeriesSpec {
  readonly series: string;
  /** `undefined`: stage 1 infers it. */
  readonly kind?: Kind | undefined;
  readonly slices: readonly SliceSpec[];
  /** Names of the files; default `1.dcm`, `2.dcm`, ... */
  readonly names?: readonly string[] | undefined;
}

/** The entry and the fetched files of a study. */
export function smallStudy(
  series: readonly SeriesSpec[],
  study = '1001',
): { study: StudyEntry; files: Map<string, FetchedFile> } {
  const files = new Map<string, FetchedFile>();
  const entries = series.map((spec): SeriesEntry => {
    const instances = spec.slices.map((slice, i) => {
      const location = `file:///images/${study}/${spec.series}/${spec.names?.[i] ?? `${i + 1}.dcm`}`;
      files.set(
        location,
        slice instanceof Uint8Array || 'missing' in slice ? (slice as FetchedFile) : dicomSlice(slice),
      );
      return { location, fingerprint: `${i}` };
    });
    return { series: spec.series, ...(spec.kind && { kind: spec.kind }), instances };
  });
  return { study: { study, series: entries }, files };
}

/** The bytes of one slice, by default 8 rows x 6 columns. Every pixel has the value `shade` + its index. */
export function dicomSlice(attributes: DicomDataset & { shade?: number } = {}): Buffer {
  const { shade = 100, ...rest } = attributes;
  const dataset: DicomDataset = {
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.4',
    SOPInstanceUID: `${UID_ROOT}.3`,
    StudyInstanceUID: `${UID_ROOT}.4`,
    SeriesInstanceUID: `${UID_ROOT}.5`,
    FrameOfReferenceUID: FRAME,
    PatientName: PATIENT_NAME,
    PatientID: PATIENT_ID,
    Modality: 'MR',
    InstanceNumber: 1,
    ImagePositionPatient: [0, 0, 0],
    ImageOrientationPatient: [...SAGITTAL],
    PixelSpacing: [1, 1],
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: 8,
    Columns: 6,
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 0,
    ...rest,
  };
  const frames = Number(dataset.NumberOfFrames ?? 1);
  const pixels = new Uint16Array(Number(dataset.Rows) * Number(dataset.Columns) * frames);
  for (let i = 0; i < pixels.length; i++) pixels[i] = shade + i;
  const PixelData = 'PixelData' in attributes ? attributes.PixelData : new Uint8Array(pixels.buffer);
  return writeDicom({ ...dataset, PixelData }, { transferSyntax: 'explicit_little' });
}

/**
 * A sagittal stack, `count` slices 4 mm apart from the patient's right to left, the first at `fromX`. The slice at
 * index i has instance number `instances[i]` (default i + 1) and shade 100 (i + 1).
 */
export function sagittalStack(
  count: number,
  options: { instances?: readonly number[]; fromX?: number; more?: DicomDataset } = {},
): (DicomDataset & { shade: number })[] {
  const { fromX = -2 * (count - 1), instances, more } = options;
  return Array.from({ length: count }, (_, i) => ({
    InstanceNumber: instances?.[i] ?? i + 1,
    ImagePositionPatient: [fromX + 4 * i, -3, 4],
    ImageOrientationPatient: [...SAGITTAL],
    shade: 100 * (i + 1),
    ...more,
  }));
}

/** An axial stack, `count` slices 4 mm apart from head to feet, the first at `fromZ`; else as {@link sagittalStack}. */
export function axialStack(
  count: number,
  options: { instances?: readonly number[]; fromZ?: number; more?: DicomDataset } = {},
): (DicomDataset & { shade: number })[] {
  const { fromZ = 2 * (count - 1), instances, more } = options;
  return Array.from({ length: count }, (_, i) => ({
    InstanceNumber: instances?.[i] ?? i + 1,
    ImagePositionPatient: [-3, -4, fromZ - 4 * i],
    ImageOrientationPatient: [...AXIAL],
    shade: 100 * (i + 1),
    ...more,
  }));
}
