/** Small images of the phantom's anatomy, for series that must not be read: 64 x 64 pixels in any plane. */

import { LEVELS } from '@spineline/shared/domain';
import { NO_ARTEFACTS } from '../acquisition/artefacts.ts';
import type { Plane, Stack } from '../acquisition/stack.ts';
import type { Sequence } from '../anatomy/tissue.ts';
import { add, cross, type Vector } from '../anatomy/vector.ts';
import { sliceDataset } from '../dicom-image.ts';
import type { DicomDataset } from '../dicom-writer.ts';
import type { SeriesPlan, StudyPlan } from '../study-plan.ts';
import { framePixels } from '../study.ts';

export const DECOY_PLANES = {
  sagittal: { row: [0, 1, 0], column: [0, 0, -1] },
  axial: { row: [1, 0, 0], column: [0, 1, 0] },
  coronal: { row: [1, 0, 0], column: [0, 0, -1] },
} as const satisfies Record<string, { row: Vector; column: Vector }>;
export type DecoyPlane = keyof typeof DECOY_PLANES;

const SIZE = 64;
const FIELD_MM = 300;

/**
 * The attributes and pixels of one slice of a stack of `count` thumbnails.
 *
 * @param at index of the slice, from 0
 */
export async function thumbnail(
  plan: StudyPlan,
  name: string,
  plane: DecoyPlane,
  sequence: Sequence,
  at: number,
  count: number,
): Promise<DicomDataset> {
  const series = thumbnailSeries(plan, name, plane, sequence, count);
  const alone: StudyPlan = { ...plan, series: [series] };
  const slice = series.stack.planes[at]!;
  return sliceDataset(alone, 0, slice, await framePixels(alone, 0, slice));
}

function thumbnailSeries(
  plan: StudyPlan,
  name: string,
  plane: DecoyPlane,
  sequence: Sequence,
  count: number,
): SeriesPlan {
  const { row, column } = DECOY_PLANES[plane];
  const canal = LEVELS.map((level) => plan.anatomy.landmarks[level].canal);
  const centre = [0, 1, 2].map((axis) => canal.reduce((sum, point) => sum + point[axis]!, 0) / 5) as unknown as Vector;
  const spacingMm = plane === 'axial' ? 12 : 6;
  const betweenMm = FIELD_MM / SIZE;
  const corner = add(add(centre, row, (-(SIZE - 1) / 2) * betweenMm), column, (-(SIZE - 1) / 2) * betweenMm);
  const normal = cross(row, column);
  const stack: Stack = {
    kind: plane === 'axial' ? 'axial_t2' : sequence === 't1' ? 'sagittal_t1' : 'sagittal_t2',
    sequence,
    planes: Array.from({ length: count }, (_, index): Plane => ({
      origin: add(corner, normal, (index - (count - 1) / 2) * spacingMm),
      rowDirection: row,
      columnDirection: column,
      instance: index + 1,
    })),
    rows: SIZE,
    columns: SIZE,
    pixelSpacing: [betweenMm, betweenMm],
    thicknessMm: 4,
    spacingMm,
  };
  return {
    ...plan.series[0]!,
    id: name,
    uid: name,
    stack,
    artefacts: NO_ARTEFACTS,
    transferSyntax: 'explicit_little',
    multiFrame: false,
    storedAs: 'identity',
    padding: undefined,
  };
}
