/**
 * The exact labels of a study: for each target the series, the slice and the pixel of its structure. A target that no
 * slice shows has no label, as in the challenge. `annotator.ts` makes labels as a person sets them.
 */

import type { Target } from '@spineline/shared/domain';
import { distanceTo, normalOf, type Plane, pixelOf, pointOf, type Stack } from './acquisition/stack.ts';
import type { Landmarks } from './anatomy/anatomy.ts';
import { dot, subtract, type Vector } from './anatomy/vector.ts';
import type { SeriesPlan, StudyPlan } from './study-plan.ts';

export interface TargetLabel {
  readonly target: Target;
  readonly seriesId: string;
  readonly instance: number;
  /** Column and row. The centre of the first pixel is 0; fractions are allowed. */
  readonly x: number;
  readonly y: number;
}

interface Slice {
  readonly series: SeriesPlan;
  readonly plane: Plane;
}

/** Labels in the order of the study's targets; targets that no slice shows are left out. */
export function labelStudy(plan: StudyPlan): TargetLabel[] {
  return plan.severities.flatMap(({ target }) => {
    const label = labelTarget(plan, target);
    return label ? [label] : [];
  });
}

function labelTarget(plan: StudyPlan, target: Target): TargetLabel | undefined {
  const landmarks = plan.anatomy.landmarks[target.level];
  const slice = sliceFor(plan, target, landmarks);
  if (!slice) return undefined;
  const label = pointAt(target, slice, structureIn(slice.plane, target, landmarks));
  const { rows, columns } = slice.series.stack;
  return label.x < 0 || label.y < 0 || label.x > columns - 1 || label.y > rows - 1 ? undefined : label;
}

/** The label of the same target and series in another slice, at the point where that slice shows the structure. */
export function labelInSlice(plan: StudyPlan, { target, seriesId }: TargetLabel, plane: Plane): TargetLabel {
  const series = plan.series.find((one) => one.id === seriesId)!;
  return pointAt(target, { series, plane }, structureIn(plane, target, plan.anatomy.landmarks[target.level]));
}

function sliceFor(plan: StudyPlan, target: Target, landmarks: Landmarks): Slice | undefined {
  switch (target.task) {
    case 'scs':
      return nearest(plan, 'sagittal_t2', landmarks.canal);
    case 'nfn':
      return nearest(plan, 'sagittal_t1', landmarks.foramen[target.side!]);
    case 'ss':
      // The axial slice is the one nearest to the canal's point, projected onto the sagittal slice.
      return nearest(plan, 'axial_t2', canalAsSeen(plan, landmarks.canal));
  }
}

/**
 * The point at which a plane shows a target's structure. A recess is a curve that crosses axial planes; the others are
 * points.
 */
function structureIn(plane: Plane, { task, side }: Target, landmarks: Landmarks): Vector {
  if (task === 'scs') return landmarks.canal;
  if (task === 'nfn') return landmarks.foramen[side!];
  return crossing(plane, (offset) => landmarks.recess(side!, offset));
}

/** The canal's point projected onto the sagittal slice that shows it; the point itself if there is none. */
function canalAsSeen(plan: StudyPlan, canal: Vector): Vector {
  const slice = nearest(plan, 'sagittal_t2', canal);
  if (!slice) return canal;
  const { x, y } = pixelOf(slice.series.stack, slice.plane, canal);
  return pointOf(slice.series.stack, slice.plane, x, y);
}

/**
 * The slice of a kind nearest to a point, if it is near enough to show it. If several are equally near, the one with
 * the lowest instance number.
 */
function nearest(plan: StudyPlan, kind: Stack['kind'], point: Vector): Slice | undefined {
  let best: Slice | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const series of plan.series) {
    if (series.stack.kind !== kind) continue;
    for (const plane of series.stack.planes) {
      const distance = distanceTo(plane, point);
      if (distance < least - 1e-6) [best, least] = [{ series, plane }, distance];
    }
  }
  return best && least <= best.series.stack.thicknessMm / 2 + 2.5 ? best : undefined;
}

/** Where a curve along the canal crosses a plane, within 12 mm of the disc; by bisection. */
function crossing(plane: Plane, curve: (offsetMm: number) => Vector): Vector {
  const normal = normalOf(plane);
  const side = (offset: number) => dot(subtract(curve(offset), plane.origin), normal);
  let [low, high] = [-12, 12];
  if (side(low) * side(high) > 0) return curve(0);
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (side(low) * side(middle) <= 0) high = middle;
    else low = middle;
  }
  return curve((low + high) / 2);
}

function pointAt(target: Target, slice: Slice, point: Vector): TargetLabel {
  const { x, y } = pixelOf(slice.series.stack, slice.plane, point);
  return { target, seriesId: slice.series.id, instance: slice.plane.instance, x, y };
}
