/** Canonical orientation: all eight ways to store a slice give the same canonical pixels. */

import { describe, expect, it } from 'vitest';
import { canonicalTurn, TURNS } from '../geometry/canonical-orientation.ts';
import {
  canonicalTurns,
  isMirrored,
  isOblique,
  isUpright,
  pixelToPatient,
  type Turn,
  toCanonical,
  toStored,
  UPRIGHT,
  type Vec3,
} from '../geometry/index.ts';
import type { Orientation, SlicePlane } from '../geometry/slice-plane.ts';
import { type Image, turnImage } from '../imaging/index.ts';
import { randomNumbers } from './imaging-reference.ts';
import { patientToPixel } from './support/patient-to-pixel.ts';
import { turnPlane } from './support/turn-plane.ts';

const KINDS = ['sagittal_t2', 'sagittal_t1', 'axial_t2'] as const;
const CANONICAL: Record<(typeof KINDS)[number], Orientation> = {
  sagittal_t2: [0, 1, 0, 0, 0, -1],
  sagittal_t1: [0, 1, 0, 0, 0, -1],
  axial_t2: [1, 0, 0, 0, 1, 0],
};
const nameOf = ({ transpose, flipX, flipY }: Turn) =>
  [transpose && 'transposed', flipX && 'columns reversed', flipY && 'rows reversed'].filter(Boolean).join(', ') ||
  'upright';

/** Turned about the three axes by up to `most` degrees, so that no direction is an axis. */
function tilted(orientation: Orientation, random: () => number, most: number): Orientation {
  let directions = [orientation.slice(0, 3), orientation.slice(3)] as unknown as [Vec3, Vec3];
  for (const [a, b] of [
    [0, 1],
    [1, 2],
    [0, 2],
  ] as const) {
    const angle = ((random() * 2 - 1) * most * Math.PI) / 180;
    directions = directions.map((vector) => {
      const turned = [...vector] as [number, number, number];
      turned[a] = vector[a] * Math.cos(angle) - vector[b] * Math.sin(angle);
      turned[b] = vector[a] * Math.sin(angle) + vector[b] * Math.cos(angle);
      return turned;
    }) as unknown as [Vec3, Vec3];
  }
  return [...directions[0], ...directions[1]] as unknown as Orientation;
}

/** The slice as an archive would have stored it: the stored plane whose turn gives `canonical` back. */
function storedAs(canonical: SlicePlane, turn: Turn): SlicePlane {
  const { transpose, flipX, flipY } = turn;
  // Undoing: the flips first, then the transpose. Which is a turn too: its flips change places with the transpose.
  const undo = transpose ? { transpose, flipX: flipY, flipY: flipX } : turn;
  return turnPlane(canonical, undo);
}

describe('the canonical orientation', () => {
  it.for(KINDS.flatMap((kind) => TURNS.map((turn) => [kind, nameOf(turn), turn] as const)))(
    'of a %s slice stored %s has its own directions, and every pixel stays where it is in the patient',
    ([kind, , turn]) => {
      const random = randomNumbers(7);
      for (let i = 0; i < 25; i++) {
        const upright: SlicePlane = {
          rows: 5 + Math.floor(random() * 4),
          columns: 3 + Math.floor(random() * 4),
          position: [random() * 100, random() * 100, random() * 100],
          orientation: tilted(CANONICAL[kind], random, 20),
          spacing: [0.4 + random(), 0.4 + random()],
        };
        const stored = storedAs(upright, turn);
        const found = canonicalTurn(stored.orientation, kind);
        expect(found).toEqual(turn);
        const back = turnPlane(stored, found);
        expect([back.rows, back.columns]).toEqual([upright.rows, upright.columns]);
        expect(back.spacing).toEqual(upright.spacing);
        [...back.position, ...back.orientation].forEach((value, at) => {
          expect(value).toBeCloseTo([...upright.position, ...upright.orientation][at]!, 9);
        });
        // Independent of the turn: by the patient's coordinates.
        for (const [x, y] of [
          [0, 0],
          [stored.columns - 1, stored.rows - 1],
          [1.25, 0.5],
        ] as const) {
          const expected = patientToPixel(upright, pixelToPatient(stored, x, y));
          const moved = toCanonical(stored, found, { x, y });
          expect(moved.x).toBeCloseTo(expected.x, 6);
          expect(moved.y).toBeCloseTo(expected.y, 6);
          expect(toStored(stored, found, moved)).toEqual({ x, y });
        }
      }
    },
  );

  it('takes pixels and padding along, as the patient has them', () => {
    const stored: Image = {
      data: Float32Array.of(1, 2, 3, 4, 5, 6),
      padding: Uint8Array.of(1, 0, 0, 0, 0, 0),
      height: 2,
      width: 3,
    };
    for (const turn of TURNS) {
      const image = turnImage(stored, turn);
      for (let y = 0; y < 2; y++) {
        for (let x = 0; x < 3; x++) {
          const at = toCanonical({ rows: 2, columns: 3 }, turn, { x, y });
          expect(image.data[at.y * image.width + at.x]).toBe(stored.data[y * 3 + x]);
          expect(image.padding![at.y * image.width + at.x]).toBe(stored.padding![y * 3 + x]);
        }
      }
    }
    expect(turnImage(stored, UPRIGHT)).toBe(stored);
  });

  it('tells reflections from rotations: four of the eight ways are mirror images', () => {
    // A turn by 90 degrees is a transpose and one flip, by 180 degrees two flips.
    expect(TURNS.filter(isMirrored).map(nameOf)).toEqual([
      'columns reversed',
      'rows reversed',
      'transposed',
      'transposed, columns reversed, rows reversed',
    ]);
    expect(TURNS.filter(isUpright).map(nameOf)).toEqual(['upright']);
  });

  it('calls a slice oblique from 45 degrees on, and turns it to the nearest axis all the same', () => {
    const axialTilted = (degrees: number): Orientation => {
      const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
      return [1, 0, 0, 0, cos, -sin];
    };
    for (const degrees of [0, 20, 44.9, 45, -44]) expect(isOblique(axialTilted(degrees), 'axial_t2')).toBe(false);
    for (const degrees of [45.2, 50, 60, -46]) {
      expect(isOblique(axialTilted(degrees), 'axial_t2')).toBe(true);
      expect(canonicalTurn(axialTilted(degrees), 'axial_t2')).toEqual(UPRIGHT);
    }
    // Turned in its own plane by 46 degrees, a sagittal slice is nearer to the transposed axes.
    const [cos, sin] = [Math.cos((46 * Math.PI) / 180), Math.sin((46 * Math.PI) / 180)];
    expect(canonicalTurn([0, cos, sin, 0, sin, -cos], 'sagittal_t2').transpose).toBe(true);
  });

  it('turns neighbours alike where each alone would be undecided, and slices stored apart each in its own way', () => {
    const inPlane = (degrees: number): Orientation => {
      const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
      return [0, cos, sin, 0, sin, -cos];
    };
    const wavering = [44.9, 45.1, 44.8, 45.2, 44.7].map(inPlane);
    expect(new Set(wavering.map((one) => canonicalTurn(one, 'sagittal_t2').transpose)).size).toBe(2);
    expect(new Set(canonicalTurns(wavering, 'sagittal_t2')).size).toBe(1);
    const mixed: Orientation[] = [CANONICAL.axial_t2, CANONICAL.axial_t2, [-1, 0, 0, 0, 1, 0]];
    expect(canonicalTurns(mixed, 'axial_t2').map(nameOf)).toEqual(['upright', 'upright', 'columns reversed']);
    expect(canonicalTurns([], 'axial_t2')).toEqual([]);
  });

  it('gives a point the same canonical place to the last digit, whichever way it was stored', () => {
    const random = randomNumbers(3);
    for (let i = 0; i < 2000; i++) {
      const size = { rows: 384, columns: 512 };
      const turn = TURNS[i % 8]!;
      const point = { x: Math.round(random() * 51100) / 100, y: Math.round(random() * 38300) / 100 };
      expect(toCanonical(size, turn, toStored(size, turn, point))).toEqual(
        // Of the turned size only what fits is a point; the arithmetic does not mind.
        point,
      );
    }
  });
});
