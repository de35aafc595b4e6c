/** A periodic field of smooth random values in [-1, 1], for marrow, fat streaks and bowel. */

import type { Random } from '../random.ts';
import type { Voxel } from './structure.ts';

const SIZE = 32;
const MASK = SIZE - 1;

export class Texture {
  readonly #values = new Float32Array(SIZE ** 3);

  constructor(random: Random) {
    for (let i = 0; i < this.#values.length; i++) this.#values[i] = random.uniform(-1, 1);
  }

  /**
   * The value at a position, by trilinear interpolation between lattice points.
   *
   * @param acrossMm distance of lattice points along x and y, `alongMm` along z; `shift` moves the lattice along y, so
   *   that one field serves several textures.
   */
  at(place: Voxel, acrossMm: number, alongMm: number, shift = 0): number {
    const x = place.x / acrossMm;
    const y = place.y / acrossMm + shift;
    const z = place.z / alongMm;
    const fx = Math.floor(x);
    const fy = Math.floor(y);
    const fz = Math.floor(z);
    const tx = x - fx;
    const ty = y - fy;
    const tz = z - fz;
    const x0 = fx & MASK;
    const x1 = (fx + 1) & MASK;
    const y0 = (fy & MASK) << 5;
    const y1 = ((fy + 1) & MASK) << 5;
    const z0 = (fz & MASK) << 10;
    const z1 = ((fz + 1) & MASK) << 10;
    const v = this.#values;
    const a = v[x0 | y0 | z0]! + tx * (v[x1 | y0 | z0]! - v[x0 | y0 | z0]!);
    const b = v[x0 | y1 | z0]! + tx * (v[x1 | y1 | z0]! - v[x0 | y1 | z0]!);
    const c = v[x0 | y0 | z1]! + tx * (v[x1 | y0 | z1]! - v[x0 | y0 | z1]!);
    const d = v[x0 | y1 | z1]! + tx * (v[x1 | y1 | z1]! - v[x0 | y1 | z1]!);
    const e = a + ty * (b - a);
    return e + tz * (c + ty * (d - c) - e);
  }
}
