/**
 * A neural foramen: a keyhole of fat between two pedicles, with the nerve in its upper half. In a narrowed foramen disc
 * and facet replace fat from below and from the sides, and the nerve is compressed.
 */

import type { Side } from '@spineline/shared/domain';
import { ellipse, intersect, smoothStep } from './signed-distance.ts';
import type { Disc } from './spine.ts';
import { cover, type Structure } from './structure.ts';
import { fromFrame, type Vector } from './vector.ts';
import { sectionDistance } from './vertebra.ts';

/** Distance of the foramen's middle from the midline, from the posterior wall, and above the disc's middle, in mm. */
const MIDDLE_MM = { behind: 5.2, above: 8.5 } as const;
const OUTER_HALF_LENGTH_MM = 7.5;
/** Nearer to the midline is the lateral recess, which has its own narrowing. */
const INNER_HALF_LENGTH_MM = 5;
/** Height of the keyhole's middle above the disc's middle. */
const ABOVE_DISC_MM = 5;

/** Lateral position of the middle of a disc's foramina: farther out at lower levels, as the canal gets wider. */
function lateral(disc: Disc): number {
  return 9.5 + 0.17 * disc.widthMm;
}

/** The middle of a foramen in body coordinates: where its nerve is. */
export function foramenCentre(disc: Disc, side: Side): Vector {
  const x = side === 'left' ? lateral(disc) : -lateral(disc);
  return fromFrame(disc.frame, [x, disc.depthMm / 2 + MIDDLE_MM.behind, MIDDLE_MM.above]);
}

export function foramenStructure(disc: Disc, side: Side, narrowed: number): Structure {
  const { widthMm, depthMm } = disc;
  const sign = side === 'left' ? 1 : -1;
  const aside = sign * lateral(disc);
  const origin = fromFrame(disc.frame, [sign * lateral(disc), disc.depthMm / 2, ABOVE_DISC_MM]);
  // Upper and lower half of the keyhole: half axes along y and z.
  const [upperY, upperZ] = [5.2 * (1 - 0.62 * narrowed), 7.2 * (1 - 0.42 * narrowed)];
  const [lowerY, lowerZ] = [3.3 * (1 - 0.95 * narrowed), 6.5 * (1 - 0.6 * narrowed)];
  // Bodies and disc are its front boundary; the back walls of the bodies are at an angle to each other.
  const frontSlope = Math.tan(disc.wedge / 2);
  const [nerveY, nerveZ] = [Math.min(2.2, 0.8 * upperY), Math.min(2.9, 0.75 * upperZ)];
  return {
    name: `${disc.level ?? 'disc'} ${side} foramen`,
    frame: { ...disc.frame, origin },
    halfExtent: [OUTER_HALF_LENGTH_MM, 10.5, 13.5],
    shade(voxel, look) {
      const { x, y, z, signal: under } = voxel;
      const { signals, blurMm } = look;
      // At its ends the foramen opens into the canal and into the fat in front of the psoas.
      const outwards = x * sign;
      const open =
        outwards > 0
          ? smoothStep(OUTER_HALF_LENGTH_MM, OUTER_HALF_LENGTH_MM - 3.5, outwards)
          : smoothStep(INNER_HALF_LENGTH_MM, INNER_HALF_LENGTH_MM - 2.5, -outwards);
      if (open <= 0) return;
      // The nerve runs outwards and down.
      const uy = y - MIDDLE_MM.behind;
      const uz = z - 4 + 0.3 * x * sign;
      const ly = y - 3.6;
      const lz = z + 4;
      const back = y + depthMm / 2 - Math.abs(z + ABOVE_DISC_MM) * frontSlope;
      const front = 0.2 - sectionDistance((x + aside) * 1.04, back, widthMm, depthMm);
      const before = intersect(Math.max(front, uy, -3 - y), Math.abs(z) - 11.5, 2);
      const full = Math.min(ellipse(uy, uz, 5.4, 7.4), ellipse(ly, lz, 3.5, 6.5), before);
      if (full >= blurMm) return;
      // A narrowed foramen is filled by disc, facet and thickened ligament.
      const wall = under + (signals.annulus - under) * smoothStep(0, 0.3, narrowed);
      let signal = cover(under, wall, full, blurMm);
      const upper = ellipse(uy, uz, upperY, upperZ);
      const lower = lowerY > 0.6 ? ellipse(ly, lz - 3 * narrowed, lowerY, lowerZ) : 9;
      const fat = signals.fat + (signals.annulus - signals.fat) * 0.6 * smoothStep(0.5, 0.95, narrowed);
      signal = cover(signal, fat, Math.min(upper, lower), blurMm);
      signal = cover(signal, signals.ganglion, ellipse(uy, uz, nerveY, nerveZ), blurMm);
      voxel.signal = under + (signal - under) * open;
    },
  };
}
