/**
 * Paints the spinal canal and its contents: epidural fat, ligamentum flavum, the dural sac with cord or nerve roots,
 * and the two lateral recesses, from their cross-sections along the spine.
 */

import type { Random } from '../random.ts';
import type { PosteriorWall } from './posterior-wall.ts';
import { ellipse, smoothStep } from './signed-distance.ts';
import { cover, type Look, type Structure } from './structure.ts';
import { frameAt } from './vector.ts';

/** Distance between cross-sections. */
export const STEP_MM = 0.5;
/** Position of the middle of a lateral recess: distance from the midline, and distance behind the posterior wall. */
export const RECESS_U_MM = 10;
export const RECESS_V_MM = 3.8;
const RECESS_HALF_WIDTH_MM = 3.9;
const RECESS_HALF_DEPTH_MM = 3.5;
/** Cross-sections of the canal along the spine; all in mm, one value per 0.5 mm. */
export interface CanalSection {
  /** Distance of the front of the sac from the posterior wall, its depth and its half width. */
  readonly sacFront: Float32Array;
  readonly sacDepth: Float32Array;
  readonly sacHalfWidth: Float32Array;
  /** Depth and half width between the bones. */
  readonly depth: Float32Array;
  readonly halfWidth: Float32Array;
  /** Thickness of the ligamentum flavum, and half width of the fat between its two halves. */
  readonly flavum: Float32Array;
  readonly dorsalFat: Float32Array;
  /** Narrowing of the left and right recess. */
  readonly recessLeft: Float32Array;
  readonly recessRight: Float32Array;
  /** How crowded the roots are, 0..1. */
  readonly crowding: Float32Array;
  /** Lateral position of the midline in body coordinates, and its change per mm downwards. */
  readonly middle: Float32Array;
  readonly slope: Float32Array;
  /** Cosine of the lean angle of this slope. */
  readonly upright: Float32Array;
  /** Sine and cosine of the rotation about the spine's axis. */
  readonly sine: Float32Array;
  readonly cosine: Float32Array;
}

/** A nerve root in the sac: its position in shares of the sac's half axes, and its drift along the spine. */
export interface Root {
  readonly angle: number;
  readonly radius: number;
  readonly drift: number;
}

/** Positions of all roots along the canal: pairs in shares of the sac's half width and half depth, one per STEP_MM. */
interface Cauda {
  readonly conus: number;
  readonly roots: number;
  readonly places: Float32Array;
}

function caudaOf(section: CanalSection, conus: number, roots: readonly Root[]): Cauda {
  const places = new Float32Array(section.middle.length * roots.length * 2);
  for (let index = 0, at = 0; index < section.middle.length; index++) {
    for (const { angle, radius, drift } of roots) {
      const turned = angle + drift * (index * STEP_MM - conus);
      places[at++] = radius * Math.cos(turned);
      places[at++] = radius * Math.sin(turned);
    }
  }
  return { conus, roots: roots.length, places };
}

/** Roots lie in a crescent at the back of the sac, as in a patient lying on the back. */
export function rootsOf(random: Random): Root[] {
  return Array.from({ length: 16 }, (_, index) => ({
    angle: Math.PI * (0.06 + (0.88 * index) / 15) + random.uniform(-0.08, 0.08),
    radius: random.uniform(0.58, 0.82) - (index % 2) * 0.17,
    drift: random.uniform(-0.003, 0.003),
  }));
}

/** Length of canal per structure. Short pieces fit closely into their boxes. */
const PIECE_MM = 24;

export function canalStructures(
  wall: PosteriorWall,
  section: CanalSection,
  conus: number,
  roots: readonly Root[],
): Structure[] {
  const cauda = caudaOf(section, conus, roots);
  return Array.from({ length: Math.ceil(wall.lengthMm / PIECE_MM) }, (_, piece) =>
    canalPiece(wall, section, cauda, piece * PIECE_MM),
  );
}

function canalPiece(wall: PosteriorWall, section: CanalSection, cauda: Cauda, from: number): Structure {
  const place = new Float64Array(2);
  const to = from + PIECE_MM;
  const last = section.middle.length - 1;
  const [top, bottom] = [wall.at(0, 0, from), wall.at(0, 0, to)];
  const length = Math.hypot(top[1] - bottom[1], top[2] - bottom[2]);
  const tilt = Math.atan2(bottom[1] - top[1], top[2] - bottom[2]);
  const frame = frameAt(wall.at(0, 10, (from + to) / 2), tilt);
  // If the spine leans and turns, a box in the midsagittal plane must be larger.
  const ends = [from, (from + to) / 2, to].map((s) => Math.min(last, Math.round(s / STEP_MM)));
  const lean = Math.max(...ends.map((index) => Math.abs(section.slope[index]!)));
  const turned = Math.max(...ends.map((index) => Math.abs(section.sine[index]!)));
  const [ox, oy, oz] = frame.origin;
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  return {
    name: 'canal',
    frame,
    halfExtent: [17 + (lean * PIECE_MM) / 2 + 15 * turned, 14.5 + 13 * turned, length / 2 + 6 + 14 * lean],
    shade(voxel, look) {
      place[0] = oy + cos * voxel.y - sin * voxel.z;
      place[1] = oz + sin * voxel.y + cos * voxel.z;
      if (!wall.locate(place)) return;
      const level = place[0]!;
      const back = place[1]!;
      if (level < from - 6 || level >= to + 6) return;
      // The inverse of `PosteriorWall.at`.
      const near = Math.max(0, Math.min(last, Math.round(level / STEP_MM)));
      const slope = section.slope[near]!;
      const upright = section.upright[near]!;
      const across = (voxel.x + ox - section.middle[near]! - slope * (level - near * STEP_MM)) * upright;
      const s = level + across * slope * upright;
      if (s < from || s >= to) return;
      const index = Math.min(last, Math.round(s / STEP_MM));
      const sine = section.sine[index]!;
      const cosine = section.cosine[index]!;
      const u = across * cosine + back * sine;
      const v = back * cosine - across * sine;
      if (v < -2 || v > 24 || u > 16 || u < -16) return;
      voxel.signal = shadeSection(section, index, u, v, voxel.signal, look, s, cauda);
    },
  };
}

function shadeSection(
  section: CanalSection,
  index: number,
  u: number,
  v: number,
  under: number,
  look: Look,
  s: number,
  cauda: Cauda,
): number {
  const { signals, blurMm: blur } = look;
  const depth = section.depth[index]!;
  const edge = ellipse(u, v - depth / 2, section.halfWidth[index]!, depth / 2 + 0.4);
  let signal = cover(under, signals.epiduralFat, edge, blur);
  const narrowed = u > 0 ? section.recessLeft[index]! : section.recessRight[index]!;
  if (edge < blur && v > depth * 0.4) {
    // Ligamentum flavum lines the back of the canal, except for the fat in the midline.
    const flavum = section.flavum[index]! + 2 * narrowed;
    const lining = Math.max(edge, -edge - flavum * smoothStep(0.4, 0.7, v / depth));
    const back = section.sacFront[index]! + section.sacDepth[index]!;
    const wedge = section.dorsalFat[index]! * (1.1 - (v - back) / 9);
    const beside = Math.max(lining, wedge - Math.abs(u));
    signal = cover(signal, signals.ligament, wedge > 0.3 ? beside : lining, blur);
  }
  signal = shadeSac(section, index, u, v, signal, look, s, cauda);
  return shadeRecess(Math.abs(u), v, narrowed, signal, look);
}

function shadeSac(
  section: CanalSection,
  index: number,
  u: number,
  v: number,
  under: number,
  look: Look,
  s: number,
  cauda: Cauda,
): number {
  const { signals, blurMm: blur } = look;
  const { conus } = cauda;
  const halfWidth = section.sacHalfWidth[index]!;
  const halfDepth = section.sacDepth[index]! / 2;
  if (halfDepth < 0.4) return under;
  const w = v - section.sacFront[index]! - halfDepth;
  const edge = ellipse(u, w, halfWidth, halfDepth);
  if (edge >= blur + 0.5) return under;
  const dura = cover(under, signals.ligament, edge - 0.5, blur);
  let fluid = signals.csf;
  if (s < conus + 4) {
    const taper = smoothStep(conus + 4, conus - 22, s);
    fluid = cover(fluid, signals.cord, ellipse(u, w - 0.6, 1 + 3.8 * taper, 0.8 + 3 * taper), blur);
  }
  // The roots lie behind the middle of the sac, except for the drift of the outermost ones.
  if (s > conus - 20 && w > -0.5 * halfDepth - 1.5) {
    const { roots, places } = cauda;
    let nearest = Number.POSITIVE_INFINITY;
    for (let k = 2 * roots * index, end = k + 2 * roots; k < end; k += 2) {
      const du = u - places[k]! * halfWidth;
      const dw = w - places[k + 1]! * halfDepth;
      const square = du * du + dw * dw;
      if (square < nearest) nearest = square;
    }
    fluid = cover(fluid, signals.root, Math.sqrt(nearest) - 0.75, Math.max(blur, 0.5));
  }
  const crowding = section.crowding[index]!;
  fluid += (signals.root - fluid) * smoothStep(0.2, 0.85, crowding) * 0.85;
  return cover(dura, fluid, edge, blur);
}

/** A narrowed recess is filled by facet and disc from its edges; its root stays and is compressed. */
function shadeRecess(u: number, v: number, narrowed: number, under: number, look: Look): number {
  const { signals, blurMm: blur } = look;
  // The filling bulges beyond the normal outline and dents the corner of the sac.
  const width = RECESS_HALF_WIDTH_MM + 0.3 + 1.5 * narrowed;
  const outer = ellipse(u - RECESS_U_MM, v - RECESS_V_MM, width, RECESS_HALF_DEPTH_MM + 0.3 + 0.8 * narrowed);
  if (outer >= blur) return under;
  let signal = cover(under, signals.ligament, outer, blur);
  const halfDepth = RECESS_HALF_DEPTH_MM * (1 - 0.9 * narrowed);
  const halfWidth = RECESS_HALF_WIDTH_MM * (1 - 0.5 * narrowed);
  const filled = 0.75 * smoothStep(0.4, 0.9, narrowed);
  const fat = signals.epiduralFat + (signals.ligament - signals.epiduralFat) * filled;
  signal = cover(signal, fat, ellipse(u - RECESS_U_MM, v - RECESS_V_MM, halfWidth, halfDepth), blur);
  const root = Math.min(1.3, halfDepth * 0.7);
  return cover(signal, signals.root, ellipse(u - RECESS_U_MM + 0.5, v - RECESS_V_MM, 1.3, root), blur);
}
