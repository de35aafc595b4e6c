/** Organs beside and in front of the spine, by which readers orient themselves: great vessels, kidneys, iliac bones. */

import type { Random } from '../random.ts';
import { ellipse, ellipsoid, roundBox, smoothStep } from './signed-distance.ts';
import type { SoftTissue } from './soft-tissue.ts';
import type { Spine } from './spine.ts';
import { cover, type Structure } from './structure.ts';
import { BODY_FRAME, type Frame, frameAt, type Vector } from './vector.ts';

export function organStructures(random: Random, spine: Spine, soft: SoftTissue): Structure[] {
  const l4 = spine.vertebrae.find((one) => one.name === 'L4')!;
  const fork = l4.frame.origin[2] - 8 + random.around(0, 4);
  return [
    ...vessel('aorta', 1, 11, 8.5 * spine.scale, fork, soft),
    ...vessel('vena cava', -1, 15, 10 * spine.scale, fork - 8, soft),
    ...[1, -1].map((side) => kidney(side, spine, soft)),
    ...[1, -1].flatMap((side) => iliacBone(side, spine)),
  ];
}

/** Trunk and branch of a great vessel in front of the bodies. It is dark, since blood flows out of the slice. */
function vessel(
  name: string,
  side: number,
  aside: number,
  radius: number,
  fork: number,
  soft: SoftTissue,
): Structure[] {
  // The branch leaves the midline below the fork, and is thinner.
  const trunk = vesselPart(name, [fork, 190], side, [aside - radius, aside + radius], () => aside, radius, soft);
  const reach = 70;
  const thin = radius * 0.68;
  const course = (z: number) => aside + (fork - z) * 0.42;
  const end = course(fork - reach);
  const branch = vesselPart(
    `${name} branch`,
    [fork - reach, fork],
    side,
    [aside - thin, end + thin],
    course,
    thin,
    soft,
  );
  return [trunk, branch];
}

function vesselPart(
  name: string,
  [bottom, top]: readonly [number, number],
  side: number,
  [inner, outer]: readonly [number, number],
  course: (z: number) => number,
  radius: number,
  soft: SoftTissue,
): Structure {
  // Vessels lie on the bodies and follow their curve to the side.
  const middle = (z: number) => soft.wallAt(z) - 46;
  const heights = Array.from({ length: 21 }, (_, step) => bottom + ((top - bottom) * step) / 20);
  const ys = heights.map(middle);
  const xs = heights.map((z) => side * soft.middleAt(z));
  const [near, far] = [inner + Math.min(...xs), outer + Math.max(...xs)];
  const [front, back] = [Math.min(...ys) - radius - 3, Math.max(...ys) + radius + 3];
  const origin: Vector = [(side * (near + far)) / 2, (front + back) / 2, (bottom + top) / 2];
  return {
    name,
    frame: { ...BODY_FRAME, origin },
    halfExtent: [(far - near) / 2 + 2, (back - front) / 2, (top - bottom) / 2],
    shade(voxel, look) {
      const z = voxel.z + origin[2];
      const x = (voxel.x + origin[0] - soft.middleAt(z)) * side - course(z);
      if (x > radius + 3 || x < -radius - 3) return;
      const y = voxel.y + origin[1] - middle(z);
      if (y > radius + 3 || y < -radius - 3) return;
      const edge = ellipse(x, y, radius, radius * 0.95);
      const wall = cover(voxel.signal, look.signals.vesselWall, edge - 1, look.blurMm);
      voxel.signal = cover(wall, look.signals.vessel, edge, look.blurMm);
    },
  };
}

function kidney(side: number, spine: Spine, soft: SoftTissue): Structure {
  const z = spine.vertebrae.find((one) => one.name === (side > 0 ? 'L1' : 'L2'))!.frame.origin[2];
  const frame = frameAt([soft.middleAt(z) + side * 72, soft.wallAt(z) - 18, z], 0.15, -side * 0.2);
  return {
    name: 'kidney',
    frame,
    halfExtent: [30, 28, 55],
    shade(voxel, look) {
      const { x, y, z: pz, signal: under } = voxel;
      const edge = ellipsoid(x, y, pz, 27, 24, 52);
      if (edge > look.blurMm) return;
      const sinus = ellipsoid(x + side * 8, y, pz, 12, 8, 26);
      const inside = look.signals.organ + (look.signals.fat - look.signals.organ) * smoothStep(2, -3, sinus);
      voxel.signal = cover(under, inside, edge, look.blurMm);
    },
  };
}

/** The wing of the ilium beside the sacrum: a plate whose front is turned outwards. */
function iliacBone(side: number, spine: Spine): Structure[] {
  const s1 = spine.vertebrae.find((one) => one.name === 'S1')!.frame.origin;
  const swing = -side * 0.95;
  const [c, s] = [Math.cos(swing), Math.sin(swing)];
  const frame: Frame = {
    origin: [side * 86, s1[1] + 4, s1[2] - 10],
    x: [c, s, 0],
    y: [-s, c, 0] as Vector,
    z: [0, 0, 1],
  };
  const layer = (depthMm: number, marrow: boolean): Structure => ({
    name: 'ilium',
    frame,
    halfExtent: [46, 9, 52],
    shade(voxel, look) {
      const { x, y, z, signal: under } = voxel;
      const crest = roundBox(x, y - 0.004 * x * x + 3, z, 44, 7 - 0.05 * Math.max(0, x * side), 50 - 0.008 * x * x, 6);
      const { signals } = look;
      voxel.signal = cover(under, marrow ? signals.marrow * 1.12 : signals.cortex, crest + depthMm, look.blurMm);
    },
  });
  return [layer(0, false), layer(1.6, true)];
}
