/**
 * Scoliosis, the curve of a spine to the side: lean in the coronal plane and, coupled with it, rotation about the long
 * axis. Bodies turn towards the convex side and spinous processes towards the concave side (White and Panjabi, Clinical
 * Biomechanics of the Spine, 2nd ed., 1990). A patient who lies at an angle adds a constant lean and rotation.
 */

import type { Random } from '../random.ts';
import { smoothStep } from './signed-distance.ts';
import type { Vector } from './vector.ts';

const DEGREE = Math.PI / 180;
/** Range of heights in the table, beyond both ends of the spine. */
const [LOW_MM, HIGH_MM] = [-220, 260] as const;
/** The lumbar discs lie between these heights. The sway of a curve is measured over them. */
const [DISCS_LOW_MM, DISCS_HIGH_MM] = [-68, 54] as const;
const MOST_SWAY_MM = 12;
const STEEPEST = 15 * DEGREE;
const MOST_ROTATION = 11 * DEGREE;

export class Scoliosis {
  /** Roll of the whole patient about the long axis, in radians. */
  readonly roll: number;
  readonly #lean: Float64Array;
  readonly #x: Float64Array;
  readonly #z: Float64Array;
  readonly #rotation: Float64Array;

  /**
   * @param swayMm distance from the leftmost to the rightmost lumbar disc, without `lean`
   * @param wave phase, and length in mm, of the curve
   * @param lean @param roll of the whole patient in radians
   */
  constructor(swayMm: number, wave: { phase: number; lengthMm: number }, lean: number, roll: number) {
    this.roll = roll;
    const count = HIGH_MM - LOW_MM + 1;
    // The pelvis stays level: the curve begins at the sacrum and fades out at the top.
    const shape = Float64Array.from({ length: count }, (_, index) => {
      const height = LOW_MM + index;
      const within = smoothStep(-95, -70, height) * smoothStep(190, 120, height);
      return within * Math.sin(wave.phase + (2 * Math.PI * height) / wave.lengthMm);
    });
    const drift = cumulative(shape);
    const lumbar = drift.slice(DISCS_LOW_MM - LOW_MM, DISCS_HIGH_MM - LOW_MM + 1);
    const steepest = Math.max(...shape.map(Math.abs));
    const wanted = Math.min(MOST_SWAY_MM, swayMm) / (Math.max(...lumbar) - Math.min(...lumbar));
    const factor = Math.min(wanted, Math.tan(STEEPEST) / steepest);
    this.#lean = shape.map((slope) => Math.atan(slope * factor) + lean);
    this.#x = anchored(cumulative(this.#lean.map(Math.sin)));
    this.#z = anchored(cumulative(this.#lean.map(Math.cos)));
    // The middle of the curve is not rotated. A vertebra is rotated by 0.9 degrees per mm of its distance from the
    // middle.
    const aside = anchored(drift).map((one) => one * factor);
    const middle = mean(aside.slice(DISCS_LOW_MM - LOW_MM, DISCS_HIGH_MM - LOW_MM + 1));
    this.#rotation = aside.map((one, index) => {
      const coupled = 0.9 * DEGREE * (one - middle) * smoothStep(-110, -70, LOW_MM + index);
      return Math.max(-MOST_ROTATION, Math.min(MOST_ROTATION, coupled)) + roll;
    });
  }

  /** Lean to the patient's left in radians at a height of the straight spine. */
  leanAt(height: number): number {
    return at(this.#lean, height);
  }

  /** Rotation about the long axis in radians, positive where the body's front turns to the left. */
  rotationAt(height: number): number {
    return at(this.#rotation, height);
  }

  /** The position of a point of the straight spine's midline after bending. Lengths along the curve stay the same. */
  place([, y, height]: Vector): Vector {
    return [at(this.#x, height), y, at(this.#z, height)];
  }
}

/** Most spines are nearly straight (sway below one slice). One in forty has a sway of more than two slices. */
export function drawScoliosis(random: Random): Scoliosis {
  const swayMm = 1.7 * Math.exp(0.95 * random.normal());
  const wave = { phase: random.uniform(0, 2 * Math.PI), lengthMm: random.uniform(190, 420) };
  const askew = random.chance(0.06) ? 3 : 1;
  return new Scoliosis(swayMm, wave, random.around(0, 0.8) * askew * DEGREE, random.around(0, 1.4) * askew * DEGREE);
}

function cumulative(values: Float64Array): Float64Array {
  const out = new Float64Array(values.length);
  for (let index = 1; index < out.length; index++) {
    out[index] = out[index - 1]! + (values[index - 1]! + values[index]!) / 2;
  }
  return out;
}

/** Shifts the values so that the one at height 0 is 0. */
function anchored(values: Float64Array): Float64Array {
  return values.map((value) => value - values[-LOW_MM]!);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function at(table: Float64Array, height: number): number {
  const place = Math.max(0, Math.min(table.length - 1.001, height - LOW_MM));
  const low = Math.floor(place);
  return table[low]! + (place - low) * (table[low + 1]! - table[low]!);
}
