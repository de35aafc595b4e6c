/**
 * Plans stacks as a radiographer does on a localizer: slices through the structures, with a random matrix and field of
 * view. Every field of view contains every landmark with a margin.
 */

import { type Kind, LEVELS } from '@spineline/shared/domain';
import type { Anatomy } from '../anatomy/anatomy.ts';
import type { Sequence } from '../anatomy/tissue.ts';
import { add, dot, type Frame, frameAt, turn, type Vector } from '../anatomy/vector.ts';
import type { Random } from '../random.ts';
import { numberInstances } from './instance-numbers.ts';
import type { Stack } from './stack.ts';

/** Matrices [rows, columns] with their relative frequencies. */
const SAGITTAL_MATRICES: readonly (readonly [rows: number, columns: number, weight: number])[] = [
  [256, 256, 2],
  [320, 320, 4],
  [384, 384, 5],
  [384, 320, 2],
  [448, 448, 2],
  [512, 512, 2],
  [512, 352, 2],
  [320, 256, 2],
  [640, 640, 1],
  [640, 448, 1],
];
const AXIAL_MATRICES: readonly (readonly [rows: number, columns: number, weight: number])[] = [
  [256, 256, 3],
  [320, 320, 5],
  [384, 384, 4],
  [320, 384, 2],
  [288, 320, 2],
  [512, 512, 2],
  [448, 512, 1],
  [640, 640, 1],
];
const DEGREE = Math.PI / 180;
/** Space around the outermost landmark within the field of view. */
const MARGIN_MM = 22;

interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly pixelSpacing: readonly [number, number];
}

export interface SagittalWishes {
  readonly kind: Kind;
  readonly sequence: Sequence;
  /** Default 12 to 24. */
  readonly slices?: number | undefined;
}

/** A sagittal stack, oblique by a few degrees, that reaches from foramen to foramen. */
export function planSagittal(random: Random, anatomy: Anatomy, wishes: SagittalWishes): Stack {
  const landmarks = LEVELS.flatMap((level) => {
    const { canal, foramen } = anatomy.landmarks[level];
    return [canal, foramen.left, foramen.right];
  });
  const [yaw, roll] = [random.around(0, 1.6) * DEGREE, random.around(0, 1.3) * DEGREE];
  const spin = random.around(0, 1.5) * DEGREE;
  const normal: Vector = unit([Math.cos(yaw) * Math.cos(roll), Math.sin(yaw), Math.sin(roll)]);
  const columnDirection = unit(reject([0, Math.sin(spin), -Math.cos(spin)], normal));
  const rowDirection = crossUnit(columnDirection, [-normal[0], -normal[1], -normal[2]]);
  const centre: Vector = [
    mean(landmarks, 0) + random.around(0, 0.8),
    mean(landmarks, 1) - 4 + random.around(0, 7),
    mean(landmarks, 2) + 6 + random.around(0, 7),
  ];
  const reach = Math.max(...landmarks.map((point) => Math.abs(dot(add(point, centre, -1), normal)))) + 3;
  let slices = wishes.slices ?? random.integer(12, 24);
  let spacingMm = Math.max(random.uniform(3.3, 4.6), (2 * reach) / (slices - 1));
  if (wishes.slices === undefined && spacingMm > 5.4) {
    spacingMm = 5.4;
    slices = Math.ceil((2 * reach) / spacingMm) + 1;
  }
  if (slices > 30) spacingMm = Math.min(spacingMm, 2.4);
  // Many slices cover at most 76 mm, if the spacing allows it: beyond that there is only muscle.
  else if (spacingMm * (slices - 1) > 76) spacingMm = Math.max(3.15, 76 / (slices - 1));
  const thicknessMm = round(Math.min(5, Math.max(1.8, spacingMm * random.uniform(0.82, 0.97))), 1);
  const grid = planGrid(
    random,
    SAGITTAL_MATRICES,
    random.uniform(265, 325),
    landmarks,
    centre,
    rowDirection,
    columnDirection,
  );
  const offsets = Array.from({ length: slices }, (_, index) => (index - (slices - 1) / 2) * spacingMm);
  const origins = offsets.map((offset) => cornerOf(add(centre, normal, offset), grid, rowDirection, columnDirection));
  const numbers = numberInstances(random, slices);
  return {
    kind: wishes.kind,
    sequence: wishes.sequence,
    planes: origins.map((origin, index) => ({ origin, rowDirection, columnDirection, instance: numbers[index]! })),
    ...grid,
    thicknessMm,
    spacingMm,
  };
}

/** An axial stack: one block of parallel slices, or one block per disc, angled to it. */
export function planAxial(random: Random, anatomy: Anatomy, arrangement: 'straight' | 'blocks'): Stack {
  return arrangement === 'straight' ? planStraight(random, anatomy) : planBlocks(random, anatomy);
}

function axialLandmarks(anatomy: Anatomy): Vector[] {
  return LEVELS.flatMap((level) => {
    const one = anatomy.landmarks[level];
    return [one.canal, one.recess('left', 0), one.recess('right', 0), one.foramen.left, one.foramen.right];
  });
}

function planStraight(random: Random, anatomy: Anatomy): Stack {
  const frame = frameAt([0, 0, 0], random.uniform(-4, 13) * DEGREE, random.around(0, 1) * DEGREE);
  const canal = LEVELS.map((level) => anatomy.landmarks[level].canal);
  const heights = canal.map((point) => dot(point, frame.z));
  const [low, high] = [Math.min(...heights) - random.uniform(5, 11), Math.max(...heights) + random.uniform(5, 11)];
  const spacingMm = Math.max(random.uniform(4.2, 5.4), (high - low) / 35);
  const slices = Math.ceil((high - low) / spacingMm) + 1;
  const middle: Vector = [mean(canal, 0), mean(canal, 1), mean(canal, 2)];
  const start = add(middle, frame.z, high - dot(middle, frame.z));
  // A straight stack has the same in-plane centre in all slices, so the spine moves from slice to slice.
  const centres = Array.from({ length: slices }, (_, index) => ({
    centre: add(start, frame.z, -index * spacingMm),
    frame,
  }));
  return axialStack(random, anatomy, centres, spacingMm);
}

function planBlocks(random: Random, anatomy: Anatomy): Stack {
  const spacingMm = random.uniform(3.4, 5);
  const most = random.integer(3, 6);
  const centres = LEVELS.flatMap((level) => {
    const { disc, canal } = anatomy.landmarks[level];
    const tilt = Math.atan2(-disc.z[1], disc.z[2]) + random.around(0, 1.2) * DEGREE;
    const frame = frameAt([0, 0, 0], tilt, random.around(0, 0.8) * DEGREE);
    const slices = Math.max(2, most - random.integer(0, 1));
    const shift = random.around(0, 0.8);
    return Array.from({ length: slices }, (_, index) => ({
      centre: add(canal, frame.z, ((slices - 1) / 2 - index) * spacingMm + shift),
      frame,
    }));
  });
  return axialStack(random, anatomy, centres, spacingMm);
}

function axialStack(
  random: Random,
  anatomy: Anatomy,
  centres: readonly { readonly centre: Vector; readonly frame: Frame }[],
  spacingMm: number,
): Stack {
  const landmarks = axialLandmarks(anatomy);
  const first = centres[0]!.frame;
  const forward = random.uniform(-2, 14);
  const middle = centres[Math.floor(centres.length / 2)]!.centre;
  const grid = planGrid(random, AXIAL_MATRICES, random.uniform(165, 225), landmarks, middle, first.x, first.y, 8);
  const numbers = numberInstances(random, centres.length);
  return {
    kind: 'axial_t2',
    sequence: 't2',
    planes: centres.map(({ centre, frame }, index) => {
      const spin = turn(frame, [1, 0, 0]);
      const moved = add(centre, frame.y, -forward);
      return {
        origin: cornerOf(moved, grid, spin, frame.y),
        rowDirection: spin,
        columnDirection: frame.y,
        instance: numbers[index]!,
      };
    }),
    ...grid,
    thicknessMm: round(Math.min(5, spacingMm * random.uniform(0.8, 0.98)), 1),
    spacingMm,
  };
}

/** A matrix and pixel size whose field of view holds the landmarks; one in five has pixels that are not square. */
function planGrid(
  random: Random,
  matrices: readonly (readonly [number, number, number])[],
  fieldMm: number,
  landmarks: readonly Vector[],
  centre: Vector,
  rowDirection: Vector,
  columnDirection: Vector,
  marginMm = MARGIN_MM,
): Grid {
  const [rows, columns] = pickWeighted(random, matrices);
  const reach = (direction: Vector) =>
    2 * (Math.max(...landmarks.map((point) => Math.abs(dot(add(point, centre, -1), direction)))) + marginMm);
  const aspect = random.chance(0.2) ? random.pick([0.67, 0.75, 1.33, 1.5]) : 1;
  const betweenRows = Math.max(fieldMm, reach(columnDirection)) / rows;
  // A field of view below 150 mm shows too little around the spine.
  const widest = Math.max(1.25 * fieldMm, reach(rowDirection)) / columns;
  const betweenColumns = Math.min(widest, Math.max(betweenRows * aspect, Math.max(150, reach(rowDirection)) / columns));
  return {
    rows,
    columns,
    pixelSpacing:
      aspect === 1 && betweenColumns / betweenRows < 1.02
        ? [round(betweenRows, 6), round(betweenRows, 6)]
        : [round(betweenRows, 6), round(betweenColumns, 6)],
  };
}

function pickWeighted(random: Random, choices: readonly (readonly [number, number, number])[]): [number, number] {
  let left = random.uniform() * choices.reduce((sum, [, , weight]) => sum + weight, 0);
  for (const [rows, columns, weight] of choices) {
    left -= weight;
    if (left < 0) return [rows, columns];
  }
  return [choices[0]![0], choices[0]![1]];
}

function cornerOf(centre: Vector, grid: Grid, rowDirection: Vector, columnDirection: Vector): Vector {
  const across = add(centre, rowDirection, (-(grid.columns - 1) / 2) * grid.pixelSpacing[1]);
  return add(across, columnDirection, (-(grid.rows - 1) / 2) * grid.pixelSpacing[0]);
}

function mean(points: readonly Vector[], axis: 0 | 1 | 2): number {
  return points.reduce((sum, point) => sum + point[axis], 0) / points.length;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function unit(vector: Vector): Vector {
  const length = Math.hypot(...vector);
  return [vector[0] / length, vector[1] / length, vector[2] / length];
}

function reject(vector: Vector, normal: Vector): Vector {
  return add(vector, normal, -dot(vector, normal));
}

function crossUnit(a: Vector, b: Vector): Vector {
  return unit([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]);
}
