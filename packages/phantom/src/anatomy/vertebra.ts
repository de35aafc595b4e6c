/**
 * The bone of a vertebra: body, pedicles, articular processes, laminae, spinous and transverse processes. The cortex of
 * all parts is painted before the marrow, so that adjoining parts are one bone inside.
 */

import { ellipsoid, intersect, roundBox, smoothStep } from './signed-distance.ts';
import type { Vertebra } from './spine.ts';
import { cover, type Look, type Structure, type Voxel } from './structure.ts';
import type { Texture } from './texture.ts';
import { add, type Frame, fromFrame, turn, type Vector } from './vector.ts';

/** Distance to the axial outline of a body or disc: rounded in front, nearly straight behind. */
export function sectionDistance(x: number, y: number, widthMm: number, depthMm: number): number {
  const halfWidth = widthMm / 2;
  const px = x / halfWidth;
  const py = (y - 0.1 * depthMm) / (0.6 * depthMm);
  // Between an ellipse and a rounded square, since bodies are wider than ellipses.
  const e2 = px * px + py * py;
  const e4 = Math.sqrt(px * px * px * px + py * py * py * py);
  const level = Math.sqrt(0.5 * (e2 + e4));
  const round = (level - 1) * Math.min(halfWidth, 0.6 * depthMm);
  // The back wall is slightly concave in the middle.
  const back = y - depthMm / 2 + 0.9 * (1 - Math.min(1, px * px));
  return intersect(round, back, 5);
}

/** A piece of bone other than the body: a rounded box or an ellipsoid. */
interface Part {
  readonly name: string;
  readonly frame: Frame;
  readonly shape: 'box' | 'ellipsoid';
  readonly half: Vector;
  /** Radius of the rounded edges of a box. */
  readonly round: number;
}

interface Body {
  readonly name: string;
  readonly frame: Frame;
  readonly halfExtent: readonly [number, number, number];
  distance(x: number, y: number, z: number): number;
  marrow(place: Voxel, look: Look): number;
}

type Marrow = Body['marrow'];

const CORTEX_MM = 0.95;

/** All bone of a vertebra, in paint order. */
export function vertebraStructures(vertebra: Vertebra, texture: Texture, number: number): Structure[] {
  const marrow: Marrow = (place, look) =>
    look.signals.marrow * (1 + 0.12 * texture.at(place, 4, 4, 3 * number) + 0.08 * texture.at(place, 11, 11, number));
  const body = bodyOf(vertebra, marrow);
  const parts = vertebra.sacral ? sacralParts(vertebra) : archParts(vertebra);
  return [
    wholeBody(body),
    ...parts.map(cortexLayer),
    // The marrow of the body is painted again where other parts start, over their cortex.
    bodyMarrow(body, vertebra.sacral ? body.halfExtent : [vertebra.widthMm / 2, 5, 10], vertebra),
    ...parts.map((part) => marrowLayer(part, marrow)),
  ];
}

function boxOf(part: Part): Pick<Structure, 'name' | 'frame' | 'halfExtent'> {
  const [a, b, c] = part.half;
  return { name: part.name, frame: part.frame, halfExtent: [a + 1.5, b + 1.5, c + 1.5] };
}

function partDistance(part: Part, x: number, y: number, z: number): number {
  const { half, round } = part;
  return part.shape === 'box'
    ? roundBox(x, y, z, half[0], half[1], half[2], round)
    : ellipsoid(x, y, z, half[0], half[1], half[2]);
}

function cortexLayer(part: Part): Structure {
  return {
    ...boxOf(part),
    shade(voxel, look) {
      const distance = partDistance(part, voxel.x, voxel.y, voxel.z);
      if (distance < look.blurMm) voxel.signal = cover(voxel.signal, look.signals.cortex, distance, look.blurMm);
    },
  };
}

function marrowLayer(part: Part, marrow: Marrow): Structure {
  return {
    ...boxOf(part),
    shade(voxel, look) {
      const { x, y, z } = voxel;
      const distance = partDistance(part, x, y, z) + CORTEX_MM;
      if (distance < look.blurMm) voxel.signal = cover(voxel.signal, marrow(voxel, look), distance, look.blurMm);
    },
  };
}

/** Cortex and marrow of a body at once. */
function wholeBody(body: Body): Structure {
  return {
    name: body.name,
    frame: body.frame,
    halfExtent: body.halfExtent,
    shade(voxel, look) {
      const { x, y, z } = voxel;
      const distance = body.distance(x, y, z);
      if (distance >= look.blurMm) return;
      voxel.signal = cover(voxel.signal, look.signals.cortex, distance, look.blurMm);
      const inside = distance + CORTEX_MM;
      if (inside < look.blurMm) voxel.signal = cover(voxel.signal, body.marrow(voxel, look), inside, look.blurMm);
    },
  };
}

/** The marrow of a body alone: all of it, or the piece where the pedicles start. */
function bodyMarrow(body: Body, halfExtent: readonly [number, number, number], vertebra: Vertebra): Structure {
  const whole = halfExtent === body.halfExtent;
  const [back, up] = whole ? [0, 0] : [vertebra.depthMm / 2 - 4, 0.2 * vertebra.heightMm];
  return {
    name: body.name,
    frame: partFrame(vertebra, [0, back, up]),
    halfExtent,
    shade(voxel, look) {
      const { x, y, z } = voxel;
      voxel.y = y + back;
      voxel.z = z + up;
      const inside = body.distance(x, y + back, z + up) + CORTEX_MM;
      if (inside < look.blurMm) voxel.signal = cover(voxel.signal, body.marrow(voxel, look), inside, look.blurMm);
      voxel.y = y;
      voxel.z = z;
    },
  };
}

function bodyOf(vertebra: Vertebra, marrow: Marrow): Body {
  const { widthMm, depthMm, heightMm, taperMm, frame } = vertebra;
  const half = heightMm / 2;
  return {
    name: `${vertebra.name} body`,
    frame,
    halfExtent: [widthMm / 2 + 2, depthMm / 2 + 2, half + 2],
    distance(x, y, z) {
      const t = z / half;
      // Narrower by 6 % at half height. The depth of a sacral body decreases downwards at the front.
      const waist = vertebra.sacral ? 1 - 0.12 * (1 - t) * 0.5 : 0.94 + 0.06 * t * t;
      const depth = depthMm - taperMm * (1 - t) * 0.5;
      const shifted = y - (depthMm - depth) / 2;
      const side = sectionDistance(
        x / waist,
        shifted - (1 - waist) * 0.25 * depth,
        widthMm,
        depth * (0.5 + 0.5 * waist),
      );
      // Endplates are concave by about a millimetre in the middle.
      const middle = 1 - Math.min(1, (x / (0.42 * widthMm)) ** 2 + (shifted / (0.42 * depth)) ** 2);
      const end = Math.abs(z) - half + (vertebra.sacral ? 0.3 : 1.2) * middle;
      return intersect(side, end, 2);
    },
    marrow(place, look) {
      const signal = marrow(place, look);
      if (vertebra.sacral) return signal;
      // The basivertebral vein enters in the middle of the back wall.
      const into = depthMm / 2 - place.y;
      const share =
        smoothStep(11, 2, into) * smoothStep(3.2, 0.8, Math.abs(place.z)) * smoothStep(9, 3, Math.abs(place.x));
      return signal + (look.signals.basivertebral - signal) * 0.8 * share;
    },
  };
}

/**
 * A frame in the vertebra's axes, rotated about x so that its z leans by `lean` to the front, and about z by `swing`.
 */
function partFrame(vertebra: Vertebra, at: Vector, lean = 0, swing = 0): Frame {
  const origin = fromFrame(vertebra.frame, at);
  const [cs, ss, cl, sl] = [Math.cos(swing), Math.sin(swing), Math.cos(lean), Math.sin(lean)];
  const x: Vector = [cs, ss, 0];
  const y0: Vector = [-ss, cs, 0];
  const y: Vector = add([y0[0] * cl, y0[1] * cl, 0], [0, 0, 1], sl);
  const z: Vector = add([-y0[0] * sl, -y0[1] * sl, 0], [0, 0, 1], cl);
  return { origin, x: turn(vertebra.frame, x), y: turn(vertebra.frame, y), z: turn(vertebra.frame, z) };
}

function box(vertebra: Vertebra, name: string, at: Vector, half: Vector, round: number, lean = 0, swing = 0): Part {
  const frame = partFrame(vertebra, at, lean, swing);
  return { name: `${vertebra.name} ${name}`, frame, shape: 'box', half, round };
}

/** Half the distance between the pedicles: wider from L1 to L5. */
function pedicleGap(vertebra: Vertebra): number {
  return 0.13 * vertebra.widthMm + 5.2;
}

function archParts(vertebra: Vertebra): Part[] {
  const h = vertebra.heightMm;
  const k = vertebra.widthMm / 45;
  const wall = vertebra.depthMm / 2;
  const gap = pedicleGap(vertebra) + 0.6;
  const thoracic = vertebra.name.startsWith('T');
  const last = vertebra.name === 'L5';
  const pedicle = (last ? 6.5 : 4.3) * k;
  const sides = [1, -1].flatMap((side) => [
    box(vertebra, 'pedicle', [side * (gap + pedicle), wall + 4, 0.2 * h], [pedicle, 10, 6.6 * k], 4, 0),
    box(
      vertebra,
      'superior articular process',
      [side * (gap + 5.6), wall + 12.2, 0.2 * h + 9],
      [5.4, 3.2, 10.5],
      3,
      0.1,
      side * 0.75,
    ),
    box(vertebra, 'pars', [side * (gap + 4.5), wall + 14, -0.08 * h], [4.5, 4.2, 10], 3.8, 0.45, side * 0.3),
    box(
      vertebra,
      'inferior articular process',
      [side * (gap + 1.4), wall + 17.6, -0.5 * h - 3],
      [5.2, 3.3, 11],
      3,
      0.02,
      side * 0.75,
    ),
    box(vertebra, 'lamina', [side * 6.4, wall + 20.4 * k, -0.16 * h], [8.6, 3, 9 * k], 2.6, 0.35, -side * 0.6),
    ...(thoracic
      ? []
      : [
          box(
            vertebra,
            'transverse process',
            [side * (gap + 22), wall + 8, 0.16 * h],
            [13, 3, 4.8],
            2.8,
            0,
            side * 0.15,
          ),
        ]),
  ]);
  const reach = last ? 10 : thoracic ? 12 : 14.5 * k;
  return [
    ...sides,
    box(
      vertebra,
      'spinous process',
      [0, wall + 21 + reach, -0.33 * h - 0.14 * reach],
      [3.5, reach, last ? 6.5 : 9.5],
      2.8,
      -0.26,
    ),
  ];
}

function sacralParts(vertebra: Vertebra): Part[] {
  const wall = vertebra.depthMm / 2;
  const crest = box(
    vertebra,
    'median crest',
    [0, wall + (vertebra.name === 'S1' ? 21 : 15), -2],
    [2.6, 4.5, vertebra.heightMm * 0.4],
    2.4,
    0.1,
  );
  if (vertebra.name !== 'S1' && vertebra.name !== 'S2') return [crest];
  const first = vertebra.name === 'S1';
  const half: Vector = first ? [27, 15, 17] : [20, 11, 14];
  const alae = [1, -1].map((side): Part => {
    const frame = partFrame(vertebra, [side * (first ? 36 : 27), first ? 2 : 1, -2], 0, side * 0.3);
    return { name: `${vertebra.name} ala`, frame, shape: 'ellipsoid', half, round: 0 };
  });
  const facets = first
    ? [1, -1].map((side) =>
        box(
          vertebra,
          'superior articular process',
          [side * 21, wall + 12.5, 16],
          [4.2, 3.8, 10],
          3.4,
          0.15,
          side * 0.5,
        ),
      )
    : [];
  const plates = [1, -1].map((side) =>
    box(
      vertebra,
      'lamina',
      [side * 8, wall + (first ? 17.5 : 13), -1],
      [9.5, 2.4, vertebra.heightMm * 0.42],
      2,
      0.15,
      -side * 0.4,
    ),
  );
  return [...alae, ...facets, ...plates, crest];
}
