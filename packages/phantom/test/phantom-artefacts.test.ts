import { describe, expect, it } from 'vitest';
import {
  ARTEFACT_SHARES,
  type Artefacts,
  addGhosts,
  type Ghosting,
  type Motion,
  move,
  NO_ARTEFACTS,
} from '../src/acquisition/artefacts.ts';
import { takePicture } from '../src/acquisition/imaging.ts';
import { drawMetal } from '../src/acquisition/metal.ts';
import { distanceTo, pixelOf } from '../src/acquisition/stack.ts';
import { Random } from '../src/random.ts';
import { planStudy } from '../src/study-plan.ts';

const ROWS = 96;
const COLUMNS = 80;

/** A bright bar in air, over the middle columns and rows 40 to 49. */
function bar() {
  const real = new Float32Array(ROWS * COLUMNS);
  for (let row = 40; row < 50; row++) real.fill(1, row * COLUMNS + 30, row * COLUMNS + 50);
  return { real, imaginary: new Float32Array(real.length), rows: ROWS, columns: COLUMNS };
}

function magnitude({ real, imaginary }: ReturnType<typeof bar>, row: number, column: number): number {
  return Math.hypot(real[row * COLUMNS + column]!, imaginary[row * COLUMNS + column]!);
}

const GHOSTING: Ghosting = { source: 'breathing', apart: 0.25, amplitudes: [{ real: 0.12, imaginary: 0.05 }] };

describe('ghosts', () => {
  const everything = new Float32Array(ROWS * COLUMNS).fill(1);

  it('raise the signal in air a share of the field away, along the phase-encoding direction alone', () => {
    const columns = bar();
    addGhosts(columns, everything, GHOSTING, 'columns');
    // A quarter of 96 rows is 24: from row 45 to rows 69 and 21.
    for (const row of [69, 21]) expect(magnitude(columns, row, 40)).toBeCloseTo(0.13, 5);
    expect(magnitude(columns, 45, 60)).toBe(0);
    expect(magnitude(columns, 45, 40)).toBeCloseTo(1, 5);
    const rows = bar();
    addGhosts(rows, everything, GHOSTING, 'rows');
    for (const column of [60, 20]) expect(magnitude(rows, 45, column)).toBeCloseTo(0.13, 5);
    expect(magnitude(rows, 69, 40)).toBe(0);
  });

  it('wrap around the field of view, and come only from what moves', () => {
    const wrapped = bar();
    addGhosts(wrapped, everything, { ...GHOSTING, apart: 0.6 }, 'columns');
    // Row 45 and 58 rows on is 103: row 7.
    expect(magnitude(wrapped, 7, 40)).toBeCloseTo(0.13, 5);
    const still = bar();
    addGhosts(still, new Float32Array(ROWS * COLUMNS), GHOSTING, 'columns');
    expect(still).toEqual(bar());
  });
});

describe('motion', () => {
  const motion: Motion = { instances: new Set([1]), still: 0.2, shiftsMm: [[2, -1.5]] };

  it('blurs edges and rings beside them along the phase-encoding direction, and keeps the mean', () => {
    const moved = bar();
    move(moved, motion, 'columns', 1);
    expect(magnitude(moved, 40, 40)).toBeLessThan(0.9);
    expect(Math.max(...[36, 37, 38].map((row) => magnitude(moved, row, 40)))).toBeGreaterThan(0.05);
    expect(magnitude(moved, 45, 52)).toBe(0);
    const sum = moved.real.reduce((total, signal) => total + signal, 0);
    expect(sum / 200).toBeGreaterThan(0.9);
    expect(sum / 200).toBeLessThan(1.1);
  });

  it('leaves a patient who lies still as he is', () => {
    const still = bar();
    move(still, { ...motion, shiftsMm: [[0, 0]] }, 'columns', 1);
    still.real.forEach((signal, index) => {
      expect(Math.abs(signal - bar().real[index]!)).toBeLessThan(1e-5);
    });
  });
});

describe('artefacts of studies', () => {
  const SMALL = { small: true };
  const plans = Array.from({ length: 60 }, (_, index) => planStudy(3, index, false, SMALL));
  const plain = plans[0]!;

  function picture(number: number, instance: number, artefacts: Artefacts): Uint8Array {
    const series = plain.series[number]!;
    const plane = series.stack.planes.find((one) => one.instance === instance)!;
    return takePicture(plain.anatomy, { ...series, artefacts }, plane, new Random('noise', number, instance));
  }

  it('occur about as often as they should', () => {
    const series = plans.flatMap((plan) => plan.series);
    const share = (of: (artefacts: Artefacts) => unknown) =>
      series.filter((one) => of(one.artefacts)).length / series.length;
    const within = (value: number, wanted: number) => {
      expect(value).toBeGreaterThan(0.5 * wanted);
      expect(value).toBeLessThan(1.6 * wanted);
    };
    within(
      share(({ ghosting }) => ghosting),
      ARTEFACT_SHARES.ghosting,
    );
    within(
      share(({ motion }) => motion),
      ARTEFACT_SHARES.motion,
    );
    const draws = 2000;
    const random = new Random('metal share');
    const metal = Array.from({ length: draws }, () => random.chance(ARTEFACT_SHARES.metal)).filter(Boolean).length;
    within(metal / draws, ARTEFACT_SHARES.metal);
    for (const plan of plans) expect(new Set(plan.series.map((one) => one.artefacts.metal)).size).toBe(1);
  });

  it('are the same when the study is planned again', () => {
    const spoiled = plans.filter((plan) => plan.series.some(({ artefacts }) => artefacts.ghosting || artefacts.motion));
    expect(spoiled.length).toBeGreaterThan(5);
    for (const plan of spoiled.slice(0, 5)) {
      const again = planStudy(3, plan.index, false, SMALL);
      expect(again.series.map((one) => one.artefacts)).toEqual(plan.series.map((one) => one.artefacts));
    }
  });

  it('metal takes the signal around it, and nothing far from it changes but by the noise', () => {
    const kinds = new Set<string>();
    for (let draw = 0; kinds.size < 2; draw++) {
      const metal = drawMetal(new Random('metal', draw), plain.anatomy);
      if (kinds.has(metal.kind)) continue;
      kinds.add(metal.kind);
      const rod = metal.rods[0]!;
      const middle = [0, 1, 2].map((axis) => (rod.from[axis]! + rod.to[axis]!) / 2) as [number, number, number];
      const { stack, encoding } = plain.series[1]!;
      const plane = stack.planes.reduce((a, b) => (distanceTo(b, middle) < distanceTo(a, middle) ? b : a));
      const words = (artefacts: Artefacts) => {
        const bytes = picture(1, plane.instance, artefacts);
        return encoding.signed ? new Int16Array(bytes.buffer) : new Uint16Array(bytes.buffer);
      };
      const without = words(NO_ARTEFACTS);
      const withMetal = words({ ...NO_ARTEFACTS, metal });
      const { x, y } = pixelOf(stack, plane, middle);
      const at = Math.round(y) * stack.columns + Math.round(x);
      const { slope, intercept } = encoding.rescale ?? { slope: 1, intercept: 0 };
      const signal = (value: number) => (value * slope + intercept) / encoding.amplitude;
      expect(signal(withMetal[at]!)).toBeLessThan(0.12);
      expect(signal(withMetal[at]!)).toBeLessThan(signal(without[at]!));
      const changed = withMetal.filter((value, index) => value !== without[index]).length / without.length;
      expect(changed).toBeGreaterThan(0.0005);
      expect(changed).toBeLessThan(0.2);
      expect(words({ ...NO_ARTEFACTS, metal })).toEqual(withMetal);
    }
  });

  it('ghosts and motion change a picture, the same way each time', () => {
    const { stack } = plain.series[0]!;
    const { instance } = stack.planes[Math.floor(stack.planes.length / 2)]!;
    const clean = picture(0, instance, NO_ARTEFACTS);
    const motion: Motion = { instances: new Set([instance]), still: 0.2, shiftsMm: [[2, -1.5]] };
    const spoiled: Artefacts = { ...NO_ARTEFACTS, ghosting: GHOSTING, motion };
    expect(picture(0, instance, spoiled)).not.toEqual(clean);
    expect(picture(0, instance, spoiled)).toEqual(picture(0, instance, spoiled));
    const elsewhere = { ...NO_ARTEFACTS, motion: { ...motion, instances: new Set([instance + 1]) } };
    expect(picture(0, instance, elsewhere)).toEqual(clean);
  });
});
