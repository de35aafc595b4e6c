/**
 * The curve along the posterior wall of the vertebral bodies, and coordinates relative to it: `s` mm along it from the
 * top, `v` mm behind it, `u` mm to the left. `u` and `v` turn and lean with the spine. The canal and the soft tissue
 * behind it are described in (u, v, s).
 */

import type { Scoliosis } from './scoliosis.ts';
import type { Spine } from './spine.ts';
import { fromFrame, type Vector } from './vector.ts';

const STEP_MM = 0.5;
const GRID_MM = 2;
/** Farther from the curve than this, (u, v, s) are not unique. No structure described in them reaches so far. */
const REACH_MM = 34;

export class PosteriorWall {
  readonly lengthMm: number;
  readonly #points: Vector[];
  readonly #ys: Float64Array;
  readonly #zs: Float64Array;
  readonly #scoliosis: Scoliosis;
  readonly #grid: Float32Array;
  readonly #y0: number;
  readonly #z0: number;
  readonly #columns: number;
  readonly #rows: number;

  constructor(spine: Spine) {
    this.#scoliosis = spine.scoliosis;
    this.#points = resample(smoothThrough(controlPoints(spine)), STEP_MM);
    this.lengthMm = (this.#points.length - 1) * STEP_MM;
    const ys = Float64Array.from(this.#points, (point) => point[1]);
    const zs = Float64Array.from(this.#points, (point) => point[2]);
    this.#ys = ys;
    this.#zs = zs;
    this.#y0 = Math.min(...ys) - REACH_MM;
    this.#z0 = Math.min(...zs) - REACH_MM;
    this.#columns = Math.ceil((Math.max(...ys) + REACH_MM - this.#y0) / GRID_MM) + 2;
    this.#rows = Math.ceil((Math.max(...zs) + REACH_MM - this.#z0) / GRID_MM) + 2;
    this.#grid = new Float32Array(2 * this.#columns * this.#rows);
    for (let row = 0; row < this.#rows; row++) {
      for (let column = 0; column < this.#columns; column++) {
        const [s, v] = this.nearest(this.#y0 + column * GRID_MM, this.#z0 + row * GRID_MM);
        const at = 2 * (row * this.#columns + column);
        this.#grid[at] = s;
        this.#grid[at + 1] = v;
      }
    }
  }

  /** The point of the curve at s. */
  point(s: number): Vector {
    const index = Math.max(0, Math.min(this.#points.length - 1, s / STEP_MM));
    const low = Math.min(this.#points.length - 2, Math.floor(index));
    const [a, b, t] = [this.#points[low]!, this.#points[low + 1]!, index - low];
    return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])];
  }

  /** Movement of the curve to the left per mm downwards at s: the tangent of its lean, negative where it leans left. */
  slopeAt(s: number): number {
    return (this.point(s + 1)[0] - this.point(s - 1)[0]) / 2;
  }

  /** Rotation of the spine about its axis at s, in radians; see `Scoliosis`. */
  rotationAt(s: number): number {
    return this.#scoliosis.rotationAt(this.point(s)[2]);
  }

  /** Body coordinates of (u, v, s). */
  at(u: number, v: number, s: number): Vector {
    const [rotation, slope] = [this.rotationAt(s), this.slopeAt(s)];
    const across = u * Math.cos(rotation) - v * Math.sin(rotation);
    const back = u * Math.sin(rotation) + v * Math.cos(rotation);
    // A section is perpendicular to the curve: if the spine leans left, points to its left are lower.
    const length = Math.hypot(1, slope);
    const along = s - (across * slope) / length;
    const [a, b, point] = [this.point(along - 1), this.point(along + 1), this.point(along)];
    const [dy, dz] = [b[1] - a[1], b[2] - a[2]];
    const norm = Math.hypot(dy, dz);
    // The curve runs downwards along (dy, dz). Rotated by 90 degrees that points to the back.
    const x = this.point(s)[0] + across / length;
    return [x, point[1] + (-dz / norm) * back, point[2] + (dy / norm) * back];
  }

  /** (s, v) of a point in the midsagittal plane, by a search over the curve: exact but slow. */
  nearest(y: number, z: number): [s: number, v: number] {
    const points = this.#points;
    // Flat arrays and no temporary ones: this runs about ten thousand times per patient, over a hundred points each.
    const [ys, zs] = [this.#ys, this.#zs];
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    const search = (from: number, to: number, step: number) => {
      for (let index = from; index <= to; index += step) {
        const dy = y - ys[index]!;
        const dz = z - zs[index]!;
        const square = dy * dy + dz * dz;
        if (square < least) {
          least = square;
          best = index;
        }
      }
    };
    search(0, ys.length - 1, 8);
    search(Math.max(0, best - 8), Math.min(ys.length - 1, best + 8), 1);
    const a = points[Math.max(0, best - 1)]!;
    const b = points[Math.min(points.length - 1, best + 1)]!;
    const [dy, dz] = [b[1] - a[1], b[2] - a[2]];
    const length = Math.hypot(dy, dz);
    const [py, pz] = [y - points[best]![1], z - points[best]![2]];
    const along = (py * dy + pz * dz) / length;
    return [best * STEP_MM + along, (-dz * py + dy * pz) / length];
  }

  /** Converts (y, z) to (s, v) in place, with a 2 mm grid. `false` if the point is far from the curve. */
  locate(point: Float64Array): boolean {
    const column = (point[0]! - this.#y0) / GRID_MM;
    const row = (point[1]! - this.#z0) / GRID_MM;
    if (!(column >= 0 && row >= 0 && column < this.#columns - 1 && row < this.#rows - 1)) return false;
    const c = Math.floor(column);
    const r = Math.floor(row);
    const tc = column - c;
    const tr = row - r;
    const at = 2 * (r * this.#columns + c);
    const next = at + 2 * this.#columns;
    const grid = this.#grid;
    const w00 = (1 - tc) * (1 - tr);
    const w10 = tc * (1 - tr);
    const w01 = (1 - tc) * tr;
    const w11 = tc * tr;
    const v = w00 * grid[at + 1]! + w10 * grid[at + 3]! + w01 * grid[next + 1]! + w11 * grid[next + 3]!;
    if (v < -REACH_MM || v > REACH_MM) return false;
    point[0] = w00 * grid[at]! + w10 * grid[at + 2]! + w01 * grid[next]! + w11 * grid[next + 2]!;
    point[1] = v;
    return true;
  }
}

/** Upper and lower back corner of every body, with a straight piece of spine above. */
function controlPoints(spine: Spine): Vector[] {
  const corners = spine.vertebrae.flatMap(({ frame, depthMm, heightMm }) =>
    [0.5, -0.5].map((end) => fromFrame(frame, [0, depthMm / 2, end * heightMm])),
  );
  const first = spine.vertebrae[0]!;
  return [fromFrame(first.frame, [0, first.depthMm / 2, 80]), ...corners];
}

/** Catmull-Rom curve through the points, with ten pieces between neighbours. */
function smoothThrough(points: readonly Vector[]): Vector[] {
  const dense: Vector[] = [];
  for (let index = 0; index < points.length - 1; index++) {
    const [p1, p2] = [points[index]!, points[index + 1]!];
    const p0 = points[index - 1] ?? reflect(p1, p2);
    const p3 = points[index + 2] ?? reflect(p2, p1);
    for (let piece = 0; piece < 10; piece++) dense.push(catmullRom(p0, p1, p2, p3, piece / 10));
  }
  dense.push(points.at(-1)!);
  return dense;
}

function reflect(about: Vector, point: Vector): Vector {
  return [2 * about[0] - point[0], 2 * about[1] - point[1], 2 * about[2] - point[2]];
}

/** Non-uniform (chordal) Catmull-Rom, so that short discs between long bodies make no loops. */
function catmullRom(p0: Vector, p1: Vector, p2: Vector, p3: Vector, t: number): Vector {
  const span = (a: Vector, b: Vector) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  const [d01, d12, d23] = [span(p0, p1), span(p1, p2), span(p2, p3)];
  const axis = (k: 0 | 1 | 2): number => {
    const m1 = ((p1[k] - p0[k]) / d01 - (p2[k] - p0[k]) / (d01 + d12) + (p2[k] - p1[k]) / d12) * d12;
    const m2 = ((p2[k] - p1[k]) / d12 - (p3[k] - p1[k]) / (d12 + d23) + (p3[k] - p2[k]) / d23) * d12;
    const [a, b] = [2 * p1[k] - 2 * p2[k] + m1 + m2, -3 * p1[k] + 3 * p2[k] - 2 * m1 - m2];
    return ((a * t + b) * t + m1) * t + p1[k];
  };
  return [axis(0), axis(1), axis(2)];
}

function resample(points: readonly Vector[], step: number): Vector[] {
  const out: Vector[] = [points[0]!];
  let carried = 0;
  for (let index = 1; index < points.length; index++) {
    const [a, b] = [points[index - 1]!, points[index]!];
    const length = Math.hypot(b[1] - a[1], b[2] - a[2]);
    for (let along = step - carried; along <= length; along += step) {
      const t = along / length;
      out.push([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])]);
    }
    carried = (carried + length) % step;
  }
  return out;
}
