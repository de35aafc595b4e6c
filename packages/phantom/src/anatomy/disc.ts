/** A disc: annulus, a nucleus that loses fluid with degeneration, and the bulge towards canal, recess and foramen. */

import type { Side } from '@spineline/shared/domain';
import { bell, intersect, smoothStep } from './signed-distance.ts';
import type { Disc } from './spine.ts';
import { cover, type Structure } from './structure.ts';
import { sectionDistance } from './vertebra.ts';

/** How far a disc bulges behind its normal outline, in mm. */
export interface Bulge {
  readonly central: number;
  readonly recess: Readonly<Record<Side, number>>;
  readonly foramen: Readonly<Record<Side, number>>;
}

export const NO_BULGE: Bulge = { central: 0, recess: { left: 0, right: 0 }, foramen: { left: 0, right: 0 } };

export function discStructure(disc: Disc, bulge: Bulge): Structure {
  const { widthMm, depthMm, heightMm, degeneration } = disc;
  const slope = Math.tan(disc.wedge / 2);
  const sideSlope = Math.tan(disc.sideWedge / 2);
  const reach = Math.max(bulge.central, bulge.recess.left, bulge.recess.right, bulge.foramen.left, bulge.foramen.right);
  return {
    name: disc.level ?? 'disc',
    frame: disc.frame,
    halfExtent: [
      widthMm / 2 + 3,
      depthMm / 2 + reach + 3,
      heightMm / 2 + Math.abs(slope) * (depthMm / 2 + 3) + Math.abs(sideSlope) * (widthMm / 2) + 3,
    ],
    shade(voxel, look) {
      const { x, y, z, signal: under } = voxel;
      const { signals, blurMm } = look;
      const side: Side = x > 0 ? 'left' : 'right';
      const u = Math.abs(x);
      const back =
        y > 0.2 * depthMm && reach > 0.1
          ? Math.max(
              bulge.central * bell(u, 7),
              bulge.recess[side] * bell(u - 10, 3.5),
              bulge.foramen[side] * bell(u - 17, 4),
            ) * smoothStep(0.2 * depthMm, depthMm / 2, y)
          : 0;
      const outline = sectionDistance(x, y - back, widthMm, depthMm) - 0.7;
      if (outline >= blurMm) return;
      // Endplates are concave: the disc reaches into them, and the bodies are painted over it.
      const half = Math.max(1.2, heightMm / 2 - y * slope - x * sideSlope) + (outline < -3 ? 2 : 0.3);
      const distance = intersect(outline, Math.abs(z) - half, 1.5);
      if (distance >= blurMm) return;
      const px = x / (0.34 * widthMm);
      const py = (y + 0.02 * depthMm) / (0.31 * depthMm);
      const pz = z / (0.62 * half);
      const core = smoothStep(1.25, 0.6, Math.sqrt(px * px + py * py + pz * pz));
      const cleft = 1 - 0.3 * smoothStep(0.3, 0.05, Math.abs(z) / half) * (1 - degeneration);
      const moist = signals.nucleus + (signals.dryNucleus - signals.nucleus) * smoothStep(0.1, 0.85, degeneration);
      const inside = signals.annulus + (moist * cleft - signals.annulus) * core;
      voxel.signal = cover(under, inside, distance, blurMm);
    },
  };
}
