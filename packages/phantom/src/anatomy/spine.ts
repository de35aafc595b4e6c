/**
 * The skeleton of a lumbar spine: position, rotation and size of each vertebra and disc.
 *
 * Body coordinates are mm with the origin in the middle of L3, x to the patient's left, y to the back, z to the head.
 * Sizes are means of adult morphometry (Panjabi 1992, Zhou 2000), rounded, scaled by one body size.
 */

import { LEVELS, type Level } from '@spineline/shared/domain';
import type { Random } from '../random.ts';
import { drawScoliosis, type Scoliosis } from './scoliosis.ts';
import { add, type Frame, frameAt, fromFrame, type Vector } from './vector.ts';

export interface Vertebra {
  readonly name: string;
  readonly sacral: boolean;
  /** Origin in the middle of the body, z along its axis. */
  readonly frame: Frame;
  readonly tilt: number;
  /** Lean of the axis to the left in radians. */
  readonly lean: number;
  readonly heightMm: number;
  /** Front to back, at the upper endplate. */
  readonly depthMm: number;
  readonly widthMm: number;
  /** How much smaller the depth at the lower endplate is; the difference is at the front. */
  readonly taperMm: number;
}

export interface Disc {
  /** `undefined` outside L1/L2 to L5/S1. */
  readonly level: Level | undefined;
  readonly frame: Frame;
  readonly heightMm: number;
  readonly depthMm: number;
  readonly widthMm: number;
  /** Angle between the two endplates in radians, positive if the disc is higher in front. */
  readonly wedge: number;
  /** The same in the coronal plane, positive if the disc is higher on the right. */
  readonly sideWedge: number;
  /** 0 is a healthy disc, 1 a dry and flat one. */
  readonly degeneration: number;
}

export interface Spine {
  readonly vertebrae: readonly Vertebra[];
  readonly discs: readonly Disc[];
  /** Body size relative to the mean. */
  readonly scale: number;
  readonly scoliosis: Scoliosis;
}

interface Mean {
  readonly name: string;
  /** Forward lean of the vertebra's axis, in degrees. */
  readonly tilt: number;
  readonly height: number;
  readonly depth: number;
  readonly width: number;
  readonly taper: number;
  /** Height of the disc below. */
  readonly disc: number;
}

const MEANS: readonly Mean[] = [
  { name: 'T10', tilt: -15, height: 21, depth: 29, width: 32, taper: 0, disc: 4.5 },
  { name: 'T11', tilt: -14, height: 22, depth: 30, width: 34, taper: 0, disc: 5 },
  { name: 'T12', tilt: -12, height: 24, depth: 31, width: 37, taper: 0, disc: 6.2 },
  { name: 'L1', tilt: -9, height: 25.5, depth: 32, width: 41, taper: 0, disc: 7.8 },
  { name: 'L2', tilt: -5, height: 26.5, depth: 33, width: 43, taper: 0, disc: 9 },
  { name: 'L3', tilt: 1, height: 27, depth: 34, width: 46, taper: 0, disc: 10 },
  { name: 'L4', tilt: 9, height: 27, depth: 34.5, width: 48, taper: 0, disc: 10.8 },
  { name: 'L5', tilt: 21, height: 26.5, depth: 35, width: 51, taper: 0, disc: 9.5 },
  { name: 'S1', tilt: 39, height: 29, depth: 33, width: 50, taper: 11, disc: 2.4 },
  { name: 'S2', tilt: 45, height: 24, depth: 21, width: 40, taper: 6, disc: 1.6 },
  { name: 'S3', tilt: 34, height: 20, depth: 15, width: 32, taper: 3, disc: 1.2 },
  { name: 'S4', tilt: 14, height: 17, depth: 12, width: 27, taper: 2, disc: 1 },
];

const DEGREE = Math.PI / 180;

/**
 * Builds a spine downwards from T10 in the midsagittal plane, then bends it to the side.
 *
 * @param degeneration of each lumbar disc, 0..1, in the order of LEVELS.
 */
export function buildSpine(random: Random, degeneration: readonly number[]): Spine {
  const scale = random.around(1, 0.06);
  // From L1 to S1 32 to 64 degrees. A tilt of the whole patient is added.
  const lordosis = random.around(1, 0.17);
  const nod = random.around(0, random.chance(0.06) ? 5 : 1.5);
  const scoliosis = drawScoliosis(random);
  const tilts = MEANS.map((mean) => (mean.tilt * lordosis + nod + random.around(0, 0.8)) * DEGREE);
  const sizes = MEANS.map(() => random.around(scale, 0.012));
  const vertebrae: Vertebra[] = [];
  const discs: Disc[] = [];
  let top: Vector = [0, 0, 0];
  MEANS.forEach((mean, index) => {
    const size = sizes[index]!;
    const [heightMm, depthMm] = [mean.height * size, mean.depth * size];
    const tilt = tilts[index]!;
    const above = vertebrae[index - 1];
    const turned = frameAt(top, tilt);
    // Sacral bodies get smaller downwards, with their backs aligned; other bodies have their middles aligned.
    const shift = above?.sacral ? -depthMm / 2 : 0;
    const middle = fromFrame(turned, [0, shift, -heightMm / 2]);
    const sacral = mean.name.startsWith('S');
    const vertebra: Vertebra = {
      name: mean.name,
      sacral,
      frame: frameAt(middle, tilt),
      tilt,
      lean: 0,
      heightMm,
      depthMm,
      widthMm: mean.width * size,
      taperMm: mean.taper * size,
    };
    vertebrae.push(vertebra);
    const below = MEANS[index + 1];
    const level = below && LEVELS.find((one) => one === `${mean.name}_${below.name}`.toLowerCase());
    const dry = level ? degeneration[LEVELS.indexOf(level)]! : 0.25;
    const discHeight = mean.disc * size * (1 - 0.4 * dry);
    const next = tilts[index + 1] ?? tilt;
    const bottom = fromFrame(vertebra.frame, [0, sacral ? depthMm / 2 : 0, -heightMm / 2]);
    const discFrame = frameAt(bottom, (tilt + next) / 2);
    const centre = fromFrame(discFrame, [0, 0, -discHeight / 2]);
    if (below) {
      discs.push({
        level,
        frame: frameAt(
          sacral ? fromFrame(discFrame, [0, -(depthMm - vertebra.taperMm) / 2, -discHeight / 2]) : centre,
          (tilt + next) / 2,
        ),
        heightMm: discHeight,
        depthMm: sacral ? depthMm - vertebra.taperMm : Math.min(depthMm, below.depth * size),
        widthMm: (mean.width * size + below.width * size) / 2,
        wedge: next - tilt,
        sideWedge: 0,
        degeneration: dry,
      });
    }
    top = fromFrame(discFrame, [0, 0, -discHeight]);
  });
  const middle = vertebrae.find((one) => one.name === 'L3')!.frame.origin;
  // The back wall, where the canal is, follows the curve; everything in front and behind rotates around it.
  const bend = (one: { readonly frame: Frame; readonly depthMm: number }): { frame: Frame; lean: number } => {
    const wall = add(fromFrame(one.frame, [0, one.depthMm / 2, 0]), middle, -1);
    const lean = scoliosis.leanAt(wall[2]);
    const tilt = Math.atan2(-one.frame.z[1], one.frame.z[2]);
    const turned = frameAt(scoliosis.place(wall), tilt, lean, scoliosis.rotationAt(wall[2]));
    return { frame: { ...turned, origin: fromFrame(turned, [0, -one.depthMm / 2, 0]) }, lean };
  };
  const bent = vertebrae.map((one): Vertebra => ({ ...one, ...bend(one) }));
  return {
    vertebrae: bent,
    // The disc of index i lies between the vertebrae i and i + 1.
    discs: discs.map((one, index) => ({
      ...one,
      frame: bend(one).frame,
      sideWedge: bent[index]!.lean - bent[index + 1]!.lean,
    })),
    scale,
    scoliosis,
  };
}
