/**
 * The labels of a study: for each target the series, the slice and the pixel at which an annotator would point, and
 * whether it can be seen at all. A target that no slice shows is left blank, as the challenge leaves them.
 */

import type { Target } from '@spineline/shared/domain';
import { distanceTo, normalOf, type Plane, pixelOf, pointOf, type Stack } from './acquisition/stack.ts';
import { dot, subtract, type Vector } from './anatomy/vector.ts';
import type { SeriesPlan, StudyPlan } from './study-plan.ts';

export interface TargetLabel {
  readonly target: Target;
  readonly seriesId: string;
  readonly instance: number;
  /** Column and row, as fractions of pixels from the middle of the first. */
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
  if (target.task === 'scs') return pointAt(target, nearest(plan, 'sagittal_t2', landmarks.canal), landmarks.canal);
  const side = target.side!;
  if (target.task === 'nfn') {
    return pointAt(target, nearest(plan, 'sagittal_t1', landmarks.foramen[side]), landmarks.foramen[side]);
  }
  // The axial slice is the one nearest to the canal's point as it is seen in the sagittal slice.
  const slice = nearest(plan, 'axial_t2', canalAsSeen(plan, landmarks.canal));
  if (!slice) return undefined;
  return pointAt(
    target,
    slice,
    crossing(slice.plane, (offset) => landmarks.recess(side, offset)),
  );
}

/** The canal's point projected onto the sagittal slice that shows it, or itself where none does. */
function canalAsSeen(plan: StudyPlan, canal: Vector): Vector {
  const slice = nearest(plan, 'sagittal_t2', canal);
  if (!slice) return canal;
  const { x, y } = pixelOf(slice.series.stack, slice.plane, canal);
  return pointOf(slice.series.stack, slice.plane, x, y);
}

/** The slice of a kind nearest to a point, if it is near enough to show it; the lowest instance number of equals. */
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

function pointAt(target: Target, slice: Slice | undefined, point: Vector): TargetLabel | undefined {
  if (!slice) return undefined;
  const { stack } = slice.series;
  const { x, y } = pixelOf(stack, slice.plane, point);
  if (x < 0 || y < 0 || x > stack.columns - 1 || y > stack.rows - 1) return undefined;
  return { target, seriesId: slice.series.id, instance: slice.plane.instance, x, y };
}
