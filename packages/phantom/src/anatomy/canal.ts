/**
 * The spinal canal: the widths of the canal, the dural sac and the lateral recesses along the spine, and their middles.
 * Cross-sections are in (u, v) and vary along s; see `posterior-wall.ts`. Painting them is in `canal-painting.ts`.
 */

import { LEVELS, type Level, type Side } from '@spineline/shared/domain';
import type { Random } from '../random.ts';
import { type CanalSection, canalStructures, RECESS_U_MM, RECESS_V_MM, rootsOf, STEP_MM } from './canal-painting.ts';
import type { PosteriorWall } from './posterior-wall.ts';
import { bell } from './signed-distance.ts';
import type { Spine } from './spine.ts';
import type { Structure } from './structure.ts';
import { fromFrame, type Vector } from './vector.ts';

/** Narrowing in [0, 1) of each structure of a level. */
export interface LevelNarrowing {
  readonly canal: number;
  readonly recess: Readonly<Record<Side, number>>;
  readonly foramen: Readonly<Record<Side, number>>;
}
export type Narrowings = Readonly<Record<Level, LevelNarrowing>>;

/**
 * A narrowing has its full size within this distance of the disc's middle, so that the nearest slice shows it fully.
 * Beyond that it decreases as a Gaussian with this standard deviation. The axial slice is chosen by the canal's point,
 * which lies behind the recess: if slice and disc are at an angle, the recess is cut higher up.
 */
const NARROWING_WHOLE_MM = 2.5;
const RECESS_WHOLE_MM = { above: 7, below: 4 } as const;
const NARROWING_FALL_MM = 4.5;

export class Canal {
  readonly structures: readonly Structure[];
  readonly #wall: PosteriorWall;
  readonly #section: CanalSection;
  readonly #levels: ReadonlyMap<Level, number>;

  constructor(random: Random, spine: Spine, wall: PosteriorWall, narrowings: Narrowings) {
    this.#wall = wall;
    this.#levels = new Map(
      spine.discs.flatMap((disc) => {
        if (!disc.level) return [];
        const behind = fromFrame(disc.frame, [0, disc.depthMm / 2, 0]);
        return [[disc.level, wall.nearest(behind[1], behind[2])[0]] as const];
      }),
    );
    this.#section = sectionAlong(spine, wall, this.#levels, narrowings);
    const conus = wall.nearest(...midline(spine, 'L1', random.uniform(-0.4, 0.5)))[0];
    this.structures = canalStructures(wall, this.#section, conus, rootsOf(random));
  }

  /** The middle of the dural sac at a level. */
  sacCentre(level: Level): Vector {
    const s = this.#levels.get(level)!;
    const index = Math.round(s / STEP_MM);
    return this.#wall.at(0, this.#section.sacFront[index]! + this.#section.sacDepth[index]! / 2, s);
  }

  /** Depth of the sac from front to back at a level, in mm. */
  sacDepth(level: Level): number {
    return this.#section.sacDepth[Math.round(this.#levels.get(level)! / STEP_MM)]!;
  }

  /** The middle of a lateral recess, `offset` mm below the middle of the disc along the canal. */
  recessCentre(level: Level, side: Side, offset = 0): Vector {
    return this.#wall.at(side === 'left' ? RECESS_U_MM : -RECESS_U_MM, RECESS_V_MM, this.#levels.get(level)! + offset);
  }

  /** How far the disc of a level bulges into the canal at its midline, in mm. */
  centralBulge(level: Level): number {
    return Math.max(0, this.#section.sacFront[Math.round(this.#levels.get(level)! / STEP_MM)]! - 0.9);
  }
}

function midline(spine: Spine, name: string, fraction: number): [y: number, z: number] {
  const vertebra = spine.vertebrae.find((one) => one.name === name)!;
  const point = fromFrame(vertebra.frame, [0, vertebra.depthMm / 2, fraction * vertebra.heightMm]);
  return [point[1], point[2]];
}

/** Linear interpolation between values at landmarks; constant beyond the ends. */
function between(knots: readonly (readonly [number, number])[], s: number): number {
  const next = knots.findIndex(([at]) => at >= s);
  if (next === 0) return knots[0]![1];
  if (next < 0) return knots.at(-1)![1];
  const [[s0, a], [s1, b]] = [knots[next - 1]!, knots[next]!];
  return a + ((s - s0) / (s1 - s0)) * (b - a);
}

function sectionAlong(
  spine: Spine,
  wall: PosteriorWall,
  levels: ReadonlyMap<Level, number>,
  narrowings: Narrowings,
): CanalSection {
  const count = Math.ceil(wall.lengthMm / STEP_MM) + 2;
  const at = (name: string, fraction = 0) => wall.nearest(...midline(spine, name, fraction))[0];
  const [t12, l3, l5, s1, s2, s3] = [at('T12'), at('L3'), at('L5', -0.3), at('S1', 0.2), at('S2', 0), at('S3', -0.3)];
  const k = spine.scale;
  const profile = (values: readonly (readonly [number, number])[]) => (s: number) => k * between(values, s);
  // [position, mm] of a canal without any narrowing.
  const front = profile([
    [l3, 1],
    [l5, 1.8],
    [s1, 4],
    [s2, 5],
  ]);
  const depth = profile([
    [t12, 14.5],
    [l3, 14],
    [l5, 12.5],
    [s1, 9],
    [s2 + 6, 2.5],
    [s3, 0.3],
  ]);
  const halfWidth = profile([
    [t12, 9],
    [l3, 9],
    [l5, 8.6],
    [s1, 7],
    [s2 + 6, 2.6],
    [s3, 0.3],
  ]);
  const boneDepth = profile([
    [t12, 16.5],
    [l3, 17],
    [l5, 18],
    [s1, 16.5],
    [s2, 12],
    [s3, 8],
  ]);
  const boneHalfWidth = profile([
    [t12, 10.5],
    [l3, 11.5],
    [l5, 13],
    [s1, 13.5],
    [s2, 11],
    [s3, 8],
  ]);
  const names = [
    'sacFront',
    'sacDepth',
    'sacHalfWidth',
    'depth',
    'halfWidth',
    'flavum',
    'dorsalFat',
    'recessLeft',
    'recessRight',
    'crowding',
    'middle',
    'slope',
    'upright',
    'sine',
    'cosine',
  ] as const;
  const section = Object.fromEntries(names.map((name) => [name, new Float32Array(count)])) as Record<
    (typeof names)[number],
    Float32Array
  >;
  for (let index = 0; index < count; index++) {
    const s = index * STEP_MM;
    let [canal, left, right, near] = [0, 0, 0, 0];
    for (const level of LEVELS) {
      const distance = s - levels.get(level)!;
      const weightWithin = (whole: number) => bell(Math.max(0, Math.abs(distance) - whole), NARROWING_FALL_MM);
      const weight = weightWithin(NARROWING_WHOLE_MM);
      const aside = weightWithin(distance < 0 ? RECESS_WHOLE_MM.above : RECESS_WHOLE_MM.below);
      const { canal: n, recess } = narrowings[level];
      canal = Math.max(canal, n * weight);
      left = Math.max(left, recess.left * aside);
      right = Math.max(right, recess.right * aside);
      near = Math.max(near, bell(distance, 8));
    }
    // A stenosis takes 85 % of the depth at most: 45 % of it from the disc, the rest from the ligamentum flavum.
    const lost = depth(s) * 0.85 * canal;
    section.sacFront[index] = front(s) + 0.45 * lost;
    section.sacDepth[index] = depth(s) - lost;
    section.sacHalfWidth[index] = halfWidth(s) * (1 - 0.3 * canal);
    section.depth[index] = boneDepth(s);
    section.halfWidth[index] = boneHalfWidth(s);
    section.flavum[index] = 0.6 + 2.4 * near + 3.5 * canal;
    section.dorsalFat[index] = 5.5 * near * (1 - 0.85 * canal) * k;
    section.recessLeft[index] = left;
    section.recessRight[index] = right;
    section.crowding[index] = canal;
    section.middle[index] = wall.point(s)[0];
    section.slope[index] = wall.slopeAt(s);
    section.upright[index] = 1 / Math.hypot(1, section.slope[index]!);
    section.sine[index] = Math.sin(wall.rotationAt(s));
    section.cosine[index] = Math.cos(wall.rotationAt(s));
  }
  return section;
}
