/**
 * Labels as a person sets them: near the structure but not exactly on it, and sometimes in the neighbouring slice. The
 * exact labels are kept as truth.
 */

import { distanceTo, type Plane } from './acquisition/stack.ts';
import { labelInSlice, type TargetLabel } from './labels.ts';
import { Random } from './random.ts';
import type { StudyPlan } from './study-plan.ts';

/**
 * Standard deviation of a label from its structure along each axis, in pixels of the image. A few labels are farther
 * off.
 */
const SCATTER_PX = 0.6;
const CARELESS_PX = 2;
const CARELESS_SHARE = 0.04;
/** Share of labels in the neighbouring slice. */
const NEIGHBOUR_SHARE = 0.03;
/**
 * A slice counts as a neighbour up to this many slice spacings away, so that the next block of an axial series does
 * not.
 */
const NEIGHBOUR_SPACINGS = 1.6;

/**
 * A study's labels with an annotator's scatter, in the order of `labels`. Series and targets stay the same. The two
 * sides of a level are labelled in the same axial slice, as annotators do.
 *
 * @param labels the exact ones
 */
export function annotate(plan: StudyPlan, labels: readonly TargetLabel[]): TargetLabel[] {
  return labels.map((label) => {
    const { target } = label;
    const seen = target.task === 'ss' ? `ss ${target.level}` : target.name;
    const sliced = inSliceOfChoice(plan, label, new Random(plan.seed, plan.index, 'annotated slice', seen));
    return scattered(plan, sliced, new Random(plan.seed, plan.index, 'annotated point', target.name));
  });
}

function inSliceOfChoice(plan: StudyPlan, label: TargetLabel, random: Random): TargetLabel {
  if (!random.chance(NEIGHBOUR_SHARE)) return label;
  const neighbours = neighboursOf(plan, label);
  return neighbours.length ? labelInSlice(plan, label, random.pick(neighbours)) : label;
}

/** The nearest other plane on each side, in the order of the stack. Repetitions of the plane itself do not count. */
function neighboursOf(plan: StudyPlan, label: TargetLabel): Plane[] {
  const { planes, spacingMm } = stackOf(plan, label);
  const at = planes.findIndex((plane) => plane.instance === label.instance);
  return [planes[at - 1], planes[at + 1]].filter((plane): plane is Plane => {
    if (!plane) return false;
    const apart = distanceTo(plane, planes[at]!.origin);
    return apart > 0.1 * spacingMm && apart < NEIGHBOUR_SPACINGS * spacingMm;
  });
}

function scattered(plan: StudyPlan, label: TargetLabel, random: Random): TargetLabel {
  const { rows, columns } = stackOf(plan, label);
  const deviation = random.chance(CARELESS_SHARE) ? CARELESS_PX : SCATTER_PX;
  const near = (at: number, size: number) => Math.max(0, Math.min(size - 1, random.normal(at, deviation)));
  return { ...label, x: near(label.x, columns), y: near(label.y, rows) };
}

function stackOf(plan: StudyPlan, label: TargetLabel) {
  return plan.series.find((series) => series.id === label.seriesId)!.stack;
}
