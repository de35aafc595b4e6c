/**
 * Everything about a study except its pixels: severities, anatomy, series and their faults. A plan depends only on the
 * seed and the study's index.
 */

import { LEVELS } from '@spineline/shared/domain';
import { drawArtefacts, drawStudyMetal } from './acquisition/artefacts.ts';
import { type Acquisition, drawEncoding } from './acquisition/imaging.ts';
import { drawScanner } from './acquisition/scanner.ts';
import { planAxial, planSagittal } from './acquisition/stack-planning.ts';
import { distanceTo, type Stack } from './acquisition/stack.ts';
import { type Anatomy, buildAnatomy } from './anatomy/anatomy.ts';
import { add, type Frame, frameAt, turn, type Vector } from './anatomy/vector.ts';
import { type Awkward, awkwardAt, awkwardSyntax } from './awkward.ts';
import { seriesId, studyId, uid } from './identifiers.ts';
import type { Padding } from './padding.ts';
import { Random } from './random.ts';
import { drawSeverities, forceSeverities, type TargetSeverity } from './severity.ts';
import type { StoredAs } from './stored-as.ts';
import type { TransferSyntax } from './transfer-syntaxes.ts';
import type { Variation } from './variation.ts';

export interface SeriesPlan extends Acquisition {
  readonly id: string;
  readonly uid: string;
  readonly frameUid: string;
  /** Converts body coordinates to patient coordinates in the frame of reference of this series. */
  readonly pose: Frame;
  readonly transferSyntax: TransferSyntax;
  /** One enhanced file for the series instead of one file per slice. */
  readonly multiFrame: boolean;
  /** How its images are turned before they are stored; `stack` is as acquired. */
  readonly storedAs: StoredAs;
  readonly padding: Padding | undefined;
}

export interface StudyPlan {
  readonly id: string;
  readonly uid: string;
  readonly seed: number;
  readonly index: number;
  readonly severities: readonly TargetSeverity[];
  /** Names of targets without a grade. */
  readonly ungraded: ReadonlySet<string>;
  readonly anatomy: Anatomy;
  readonly series: readonly SeriesPlan[];
  readonly awkward: Awkward | undefined;
}

const DEGREE = Math.PI / 180;

/**
 * @param awkward `false` makes every study a plain one.
 * @param variation changes only what it names: the same random numbers are drawn.
 */
export function planStudy(seed: number, index: number, awkward: boolean, variation: Variation = {}): StudyPlan {
  const fault = awkward ? awkwardAt(index) : undefined;
  const stream = (purpose: string) => new Random(seed, index, purpose);
  const severities = forceSeverities(drawSeverities(stream('severities')), variation.severities);
  const anatomy = buildAnatomy(stream('anatomy'), severities);
  const planned = planStacks(stream('stacks'), anatomy, fault);
  const stacks = variation.small ? planned.map(halved) : planned;
  const metal = drawStudyMetal(stream('metal'), anatomy);
  const random = stream('series');
  const pose = drawPose(random);
  const series = stacks.map((stack, number): SeriesPlan => {
    const apart = framesApart(fault, stack, number);
    return {
      id: seriesId(seed, index, number),
      uid: uid(seed, index, 'series', number),
      frameUid: uid(seed, index, 'frame', apart),
      // Another frame of reference has another origin, so that comparing positions between frames gives visibly wrong
      // results.
      pose: apart === 0 ? pose : { ...pose, origin: add(pose.origin, [23 * apart, -31, 46 * apart]) },
      stack,
      scanner: drawScanner(random, stack.kind !== 'axial_t2'),
      encoding: drawEncoding(random),
      artefacts: drawArtefacts(new Random(seed, index, 'artefacts', number), stack, metal),
      transferSyntax: fault === 'transfer_syntaxes' ? awkwardSyntax(index, number) : 'explicit_little',
      multiFrame: fault === 'multi_frame',
      storedAs: variation.storedAs?.[stack.kind === 'axial_t2' ? 'axial' : 'sagittal'] ?? 'identity',
      padding: variation.padding,
    };
  });
  return {
    id: studyId(seed, index),
    uid: uid(seed, index, 'study'),
    seed,
    index,
    severities,
    ungraded: drawUngraded(stream('ungraded'), severities),
    anatomy,
    series,
    awkward: fault,
  };
}

/**
 * The pose of the patient in the scanner: tilted and rotated by a few degrees, sometimes by ten; with a random origin.
 */
function drawPose(random: Random): Frame {
  const restless = random.chance(0.08) ? 2.7 : 1;
  const [nod, lean, yaw] = [2, 1.7, 1.7].map((deviation) => random.around(0, deviation) * restless * DEGREE);
  const tilted = frameAt([random.around(0, 15), random.around(-10, 25), random.around(0, 60)], nod!, lean!);
  const [c, s] = [Math.cos(yaw!), Math.sin(yaw!)];
  return { ...tilted, x: turn(tilted, [c, s, 0]), y: turn(tilted, [-s, c, 0]) as Vector };
}

/** 0 for the study's own frame of reference; another number is another frame. */
function framesApart(fault: Awkward | undefined, stack: Stack, number: number): number {
  if (fault === 'three_frames') return number;
  if (fault === 't1_other_frame' && stack.kind === 'sagittal_t1') return 1;
  if (fault === 'axial_other_frame' && stack.kind === 'axial_t2') return 1;
  return 0;
}

function planStacks(random: Random, anatomy: Anatomy, fault: Awkward | undefined): Stack[] {
  const sequence = random.chance(0.06) ? 'stir' : 't2';
  const many = fault === 'many_slices' ? random.integer(34, 42) : undefined;
  const few = fault === 'few_slices' ? random.integer(3, 4) : undefined;
  const t2 = planSagittal(random, anatomy, { kind: 'sagittal_t2', sequence, slices: few ?? many });
  const t1 = planSagittal(random, anatomy, { kind: 'sagittal_t1', sequence: 't1', slices: many });
  const arrangement = random.chance(0.5) ? 'straight' : 'blocks';
  const axial = planAxial(random, anatomy, arrangement);
  switch (fault) {
    case 'no_t2':
      return [t1, axial];
    case 'no_t1':
      return [t2, axial];
    case 'no_axial':
      return [t2, t1];
    case 'two_axial_halves':
      return [t2, t1, ...halves(axial)];
    case 'two_axial_matrices':
      return [t2, t1, axial, planAxial(random, anatomy, arrangement === 'straight' ? 'blocks' : 'straight')];
    case 'repeated_positions':
      return [t2, t1, axial].map((stack) => repeatSome(stack, random));
    case 'missing_slice':
      return [t2, t1, axial].map((stack) => loseOne(stack, random, anatomy));
    case 'multi_frame':
      return [t2, t1, axial].map(numberFrames);
    default:
      return [t2, t1, axial];
  }
}

/** The stack with half the rows and columns over the same field of view. */
function halved(stack: Stack): Stack {
  const [betweenRows, betweenColumns] = stack.pixelSpacing;
  return {
    ...stack,
    rows: stack.rows / 2,
    columns: stack.columns / 2,
    pixelSpacing: [2 * betweenRows, 2 * betweenColumns],
    // The centre of the first large pixel is between the centres of the first four small ones.
    planes: stack.planes.map((plane) => ({
      ...plane,
      origin: add(add(plane.origin, plane.rowDirection, betweenColumns / 2), plane.columnDirection, betweenRows / 2),
    })),
  };
}

/** Two stacks without a common plane, each numbered from 1. */
function halves(stack: Stack): Stack[] {
  const cut = Math.ceil(stack.planes.length / 2);
  return [stack.planes.slice(0, cut), stack.planes.slice(cut)].map((planes) => {
    const least = Math.min(...planes.map((plane) => plane.instance));
    return { ...stack, planes: planes.map((plane) => ({ ...plane, instance: plane.instance - least + 1 })) };
  });
}

/** Repeats a few slices, with higher numbers. */
function repeatSome(stack: Stack, random: Random): Stack {
  const last = Math.max(...stack.planes.map((plane) => plane.instance));
  const from = random.integer(1, stack.planes.length - 4);
  const again = stack.planes.slice(from, from + 3).map((plane, step) => ({ ...plane, instance: last + 1 + step }));
  return { ...stack, planes: [...stack.planes, ...again] };
}

/** Removes an inner slice that no label needs, if there is one. */
function loseOne(stack: Stack, random: Random, anatomy: Anatomy): Stack {
  const needed = LEVELS.flatMap((level) => {
    const { canal, foramen } = anatomy.landmarks[level];
    return stack.kind === 'sagittal_t1' ? [foramen.left, foramen.right] : [canal];
  }).map((point) => stack.planes.reduce((a, b) => (distanceTo(b, point) < distanceTo(a, point) ? b : a)));
  const inner = stack.planes.slice(2, -2);
  const free = inner.filter((plane) => !needed.includes(plane));
  const lost = random.pick(free.length ? free : inner);
  return { ...stack, planes: stack.planes.filter((plane) => plane !== lost) };
}

/** Numbers frames from 1 in the order of their instance numbers. */
export function numberFrames(stack: Stack): Stack {
  const order = [...stack.planes].sort((a, b) => a.instance - b.instance);
  return { ...stack, planes: stack.planes.map((plane) => ({ ...plane, instance: order.indexOf(plane) + 1 })) };
}

/** Targets without a grade, as in the challenge: single targets, and sometimes a whole condition of a study. */
function drawUngraded(random: Random, severities: readonly TargetSeverity[]): Set<string> {
  const conditions = new Set(severities.map(({ target }) => target.condition).filter(() => random.chance(0.012)));
  return new Set(
    severities
      .map(({ target }) => target)
      .filter((target) => conditions.has(target.condition) || random.chance(0.008))
      .map((target) => target.name),
  );
}
