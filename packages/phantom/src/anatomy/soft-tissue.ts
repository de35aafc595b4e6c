/**
 * Everything around the spine: skin, subcutaneous fat, fascia, paraspinal muscles, psoas, abdomen. It is painted first,
 * from axial outlines around the back wall of the spine that vary slowly from head to feet.
 */

import type { Random } from '../random.ts';
import type { PosteriorWall } from './posterior-wall.ts';
import { ellipse, smoothStep } from './signed-distance.ts';
import { coverage, type Look, type Voxel } from './structure.ts';
import type { Texture } from './texture.ts';

/** Outlines by z, 1 mm apart; all in mm. */
interface Outlines {
  readonly zBottom: number;
  /** Position of the back wall of the spine and of its midline. */
  readonly wall: Float32Array;
  readonly middle: Float32Array;
  /** Tangent of the spine's rotation: movement of the midline to the right per mm towards the back. */
  readonly rotation: Float32Array;
  /** Depth of the muscles behind the wall, and of the fat behind the muscles. */
  readonly muscle: Float32Array;
  readonly fat: Float32Array;
  readonly psoasRadius: Float32Array;
  readonly psoasAside: Float32Array;
}

export interface Physique {
  /** 0 is lean, 1 obese. */
  readonly fatness: number;
  /** Share of fat within the muscles, 0..1: rises with age. */
  readonly fattyMuscle: number;
  readonly halfWidthMm: number;
  readonly halfDepthMm: number;
}

export function drawPhysique(random: Random): Physique {
  const fatness = random.uniform();
  return {
    fatness,
    fattyMuscle: random.uniform(0.05, 0.8),
    halfWidthMm: 145 + 45 * fatness + random.around(0, 6),
    halfDepthMm: 95 + 35 * fatness + random.around(0, 5),
  };
}

export class SoftTissue {
  readonly #outlines: Outlines;
  readonly #physique: Physique;
  readonly #texture: Texture;
  readonly #sine: number;
  readonly #cosine: number;

  /** @param roll of the whole patient about the long axis, in radians */
  constructor(wall: PosteriorWall, sacrumZ: number, physique: Physique, texture: Texture, roll: number) {
    this.#sine = Math.sin(roll);
    this.#cosine = Math.cos(roll);
    this.#physique = physique;
    this.#texture = texture;
    this.#outlines = outlinesOf(wall, sacrumZ, physique);
  }

  /** The y of the back wall of the spine at height z, smoothed; mm in body coordinates. */
  wallAt(z: number): number {
    return this.#outlines.wall[this.#row(z)]!;
  }

  /** The x of the spine's midline at height z. */
  middleAt(z: number): number {
    return this.#outlines.middle[this.#row(z)]!;
  }

  /** The y of the skin of the back at height z. */
  skinAt(z: number): number {
    const row = this.#row(z);
    const { wall, muscle, fat } = this.#outlines;
    return wall[row]! + muscle[row]! + fat[row]!;
  }

  #row(z: number): number {
    const row = Math.round(z - this.#outlines.zBottom);
    return row < 0 ? 0 : row >= this.#outlines.wall.length ? this.#outlines.wall.length - 1 : row;
  }

  /** Sets the signal of a voxel, whose position is in body coordinates. */
  shade(voxel: Voxel, look: Look): void {
    const { signals, blurMm: blur } = look;
    const row = this.#row(voxel.z);
    const o = this.#outlines;
    // Relative to the back wall of the spine, rolled with the patient.
    const back = voxel.y - o.wall[row]!;
    const lateral = voxel.x * this.#cosine + back * this.#sine;
    const behind = back * this.#cosine - voxel.x * this.#sine;
    const aside = lateral - o.middle[row]!;
    const across = aside < 0 ? -aside : aside;
    const muscle = o.muscle[row]!;
    const fat = o.fat[row]!;
    // The body's outline: between an ellipse and a rounded square, with a furrow along the back.
    const { halfWidthMm, halfDepthMm } = this.#physique;
    const furrow = across < 40 ? (1 - across / 40) * 4 : 0;
    const px = lateral / halfWidthMm;
    const py = (behind - (muscle + fat - furrow) + halfDepthMm) / halfDepthMm;
    const square = px * px + py * py;
    // An ellipse inside the outline: most voxels within it need no square roots.
    const deep = 1 - (fat + blur + 1) / halfDepthMm;
    if (deep > 0 && square < deep * deep) {
      this.#shadeInside(voxel, row, look);
      return;
    }
    const level = Math.sqrt(0.5 * (square + Math.sqrt(px * px * px * px + py * py * py * py)));
    const depth = (1 - level) * halfDepthMm;
    if (depth <= -blur) {
      voxel.signal = signals.air;
      return;
    }
    if (depth >= fat + blur) {
      if (depth > fat + blur + 1) this.#shadeInside(voxel, row, look);
      else voxel.signal = signals.fascia;
      return;
    }
    let signal = signals.fat * (1 + 0.1 * this.#texture.at(voxel, 9, 14));
    if (depth < 2 + blur) signal += (signals.skin - signal) * coverage(depth - 2, blur);
    if (depth > fat - blur) signal += (signals.fascia - signal) * coverage(fat - depth, blur);
    voxel.signal = depth < blur ? signal * coverage(-depth, blur) : signal;
  }

  #shadeInside(voxel: Voxel, row: number, look: Look): void {
    const { signals, blurMm: blur } = look;
    const behind = voxel.y - this.#outlines.wall[row]!;
    const across = Math.abs(voxel.x - this.#outlines.middle[row]! + behind * this.#outlines.rotation[row]!);
    const muscle = this.#outlines.muscle[row]!;
    let edge = blur;
    if (behind > -48 && behind < 12) {
      const radius = this.#outlines.psoasRadius[row]!;
      edge = ellipse(across - this.#outlines.psoasAside[row]!, behind + 13, radius * 0.85, radius * 1.15);
    }
    if (behind > -4 && across < 87) {
      // Multifidus beside the midline, erector spinae outside it, quadratus lumborum in front of both.
      const back = behind - 0.5 * muscle - 2;
      if (across < 32) edge = Math.min(edge, ellipse(across - 15, back - 0.03 * muscle, 14.5, 0.47 * muscle));
      if (across > 14) edge = Math.min(edge, ellipse(across - 44, back - 0.02 * muscle, 27, 0.44 * muscle));
      if (across > 48) edge = Math.min(edge, ellipse(across - 68, behind - 10, 17, 8));
    }
    if (edge <= -blur) {
      voxel.signal = this.#fibres(voxel, look);
      return;
    }
    const fat =
      behind > -44 ? signals.fat * (0.96 + 0.08 * this.#texture.at(voxel, 8, 8)) : this.#abdomen(voxel, row, look);
    voxel.signal = edge < blur ? fat + (this.#fibres(voxel, look) - fat) * coverage(edge, blur) : fat;
  }

  /** Muscle with streaks of fat along it, and thin septa between its bundles. */
  #fibres(voxel: Voxel, look: Look): number {
    const { signals } = look;
    const { fattyMuscle } = this.#physique;
    const streak = this.#texture.at(voxel, 3.4, 24);
    const bundle = this.#texture.at(voxel, 9, 60, 5);
    const threshold = 0.85 - 0.6 * fattyMuscle;
    const marbling = smoothStep(threshold, threshold + 0.6, streak + 0.45 * bundle);
    const septum = smoothStep(0.13, 0.01, bundle < 0 ? -bundle : bundle) * (0.05 + 0.3 * fattyMuscle);
    const base = signals.muscle * (1 + 0.16 * streak);
    return base + (signals.fat - base) * (0.8 * marbling + septum * (1 - marbling));
  }

  /** Retroperitoneal fat and, further in front, loops of bowel in fat. */
  #abdomen(voxel: Voxel, row: number, look: Look): number {
    const { signals } = look;
    const behind = voxel.y - this.#outlines.wall[row]!;
    const texture = this.#texture;
    const loops = texture.at(voxel, 19, 19);
    const bowel = smoothStep(-0.2, 0.02, loops) * smoothStep(-44, -58, behind);
    if (bowel === 0) return signals.fat * (0.92 + 0.1 * texture.at(voxel, 10, 10, 9));
    const wall = smoothStep(0.2, 0.05, loops < 0 ? -loops : loops);
    const content = signals.bowel * (0.6 + 1.1 * smoothStep(-0.3, 0.6, texture.at(voxel, 30, 30, 3)));
    const inner = content + (signals.muscle - content) * wall;
    return signals.fat + (inner - signals.fat) * bowel;
  }
}

function outlinesOf(wall: PosteriorWall, sacrumZ: number, physique: Physique): Outlines {
  const top = Math.ceil(wall.point(0)[2]);
  const zBottom = Math.floor(wall.point(wall.lengthMm)[2]) - 60;
  const count = top - zBottom + 1;
  const raw = new Float32Array(count).fill(Number.NaN);
  const middle = new Float32Array(count).fill(Number.NaN);
  const rotation = new Float32Array(count).fill(Number.NaN);
  for (let s = wall.lengthMm; s >= 0; s -= 0.4) {
    const point = wall.point(s);
    const row = Math.round(point[2] - zBottom);
    if (row < 0 || row >= count) continue;
    raw[row] = point[1];
    middle[row] = point[0];
    rotation[row] = Math.tan(wall.rotationAt(s));
  }
  fillGaps(raw);
  fillGaps(middle);
  fillGaps(rotation);
  const byHeight = (at: (above: number) => number) =>
    Float32Array.from({ length: count }, (_, row) => at(row + zBottom - sacrumZ));
  return {
    zBottom,
    wall: smooth(raw, 14),
    middle: smooth(middle, 6),
    rotation: smooth(rotation, 6),
    muscle: smooth(
      byHeight((above) => 58 - 26 * smoothStep(45, -35, above) - 14 * smoothStep(-30, -80, above)),
      10,
    ),
    fat: byHeight((above) => 9 + 26 * physique.fatness + (6 + 10 * physique.fatness) * smoothStep(70, -10, above)),
    psoasRadius: byHeight((above) => 6 + 15 * smoothStep(150, 30, above) - 3 * smoothStep(20, -60, above)),
    psoasAside: byHeight((above) => 27 + 15 * smoothStep(150, 20, above) + 16 * smoothStep(10, -70, above)),
  };
}

/** Rows without a point of the curve get the value of the row above. */
function fillGaps(values: Float32Array): void {
  let last = values.findLast((value) => !Number.isNaN(value)) ?? 0;
  for (let row = values.length - 1; row >= 0; row--) {
    const value = values[row]!;
    if (Number.isNaN(value)) values[row] = last;
    else last = value;
  }
}

/** Moving average over `reach` rows each way, twice. */
function smooth(values: Float32Array, reach: number): Float32Array {
  let current = values;
  for (let pass = 0; pass < 2; pass++) {
    const next = new Float32Array(current.length);
    for (let row = 0; row < current.length; row++) {
      let [sum, count] = [0, 0];
      for (let k = Math.max(0, row - reach); k <= Math.min(current.length - 1, row + reach); k++) {
        sum += current[k]!;
        count++;
      }
      next[row] = sum / count;
    }
    current = next;
  }
  return current;
}
