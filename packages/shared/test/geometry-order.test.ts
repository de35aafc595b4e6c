import { describe, expect, it } from 'vitest';
import { orderSlices, type Vec3 } from '../geometry/index.ts';
import type { NumberedSlice } from '../geometry/slice-order.ts';
import type { Orientation } from '../geometry/slice-plane.ts';

const SAGITTAL: Orientation = [0, 1, 0, 0, 0, -1];
const AXIAL: Orientation = [1, 0, 0, 0, 1, 0];
const CORONAL: Orientation = [1, 0, 0, 0, 0, -1];

function slice(instanceNumber: number, position: Vec3, fields: Partial<NumberedSlice> = {}): NumberedSlice {
  return { rows: 101, columns: 101, spacing: [1, 1], orientation: SAGITTAL, ...fields, instanceNumber, position };
}
function sagittal(instanceNumber: number, x: number): NumberedSlice {
  return slice(instanceNumber, [x, -50, 50]);
}
function axial(instanceNumber: number, z: number): NumberedSlice {
  return slice(instanceNumber, [-50, -50, z], { orientation: AXIAL });
}
/** An axial slice whose middle is at (0, 0, z), tilted about the left-right axis; degrees above 0 lift the back. */
function tilted(instanceNumber: number, z: number, degrees: number): NumberedSlice {
  const cos = Math.cos((degrees * Math.PI) / 180);
  const sin = Math.sin((degrees * Math.PI) / 180);
  return slice(instanceNumber, [-50, -50 * cos, z - 50 * sin], { orientation: [1, 0, 0, 0, cos, sin] });
}
function numbers(slices: readonly NumberedSlice[]): number[] {
  return slices.map(({ instanceNumber }) => instanceNumber);
}

describe('the order of slices', () => {
  it('runs from the patient’s right to left for sagittal slices, whichever way instance numbers run', () => {
    const rising = [sagittal(1, -8), sagittal(2, -4), sagittal(3, 0), sagittal(4, 4)];
    const falling = [sagittal(1, 4), sagittal(2, 0), sagittal(3, -4), sagittal(4, -8)];
    expect(numbers(orderSlices(rising, 'sagittal_t2').ordered)).toEqual([1, 2, 3, 4]);
    expect(numbers(orderSlices(falling, 'sagittal_t1').ordered)).toEqual([4, 3, 2, 1]);
  });

  it('runs from head to feet for axial slices, whichever way instance numbers run', () => {
    expect(numbers(orderSlices([axial(1, 0), axial(2, 4), axial(3, 8)], 'axial_t2').ordered)).toEqual([3, 2, 1]);
    expect(numbers(orderSlices([axial(1, 8), axial(2, 4), axial(3, 0)], 'axial_t2').ordered)).toEqual([1, 2, 3]);
  });

  it('does not depend on the sense in which the scanner wrote the normal', () => {
    // Rows run to the front: the normal is +x instead of -x.
    const mirrored = [1, 2, 3].map((n) => slice(n, [10 - n, 50, 50], { orientation: [0, -1, 0, 0, 0, -1] }));
    expect(numbers(orderSlices(mirrored, 'sagittal_t2').ordered)).toEqual([3, 2, 1]);
    expect(orderSlices(mirrored, 'sagittal_t2').direction[0]).toBe(1);
  });

  it('does not depend on the order in which slices are given', () => {
    const slices = [axial(9, 0), axial(4, 4), axial(4, 4), axial(7, 8), tilted(2, 20, 15), tilted(3, 16, 15)];
    const expected = orderSlices(slices, 'axial_t2');
    expect(orderSlices(slices.toReversed(), 'axial_t2')).toEqual(expected);
    expect(orderSlices([...slices.slice(3), ...slices.slice(0, 3)], 'axial_t2')).toEqual(expected);
  });

  it('goes by the slice normal, not by x alone, in an oblique stack', () => {
    // Turned by 20 degrees; every next slice is 4 mm along the normal (cos 20, sin 20, 0) but its corner slides 15 mm
    // back and to the right within the plane, as scanners may place it: x falls while the stack advances.
    const cos = 0.9396926207859084;
    const sin = 0.3420201433256687;
    const oblique = [1, 2, 3, 4].map((n) =>
      slice(n, [n * (4 * cos - 15 * sin), n * (4 * sin + 15 * cos), 0], { orientation: [-sin, cos, 0, 0, 0, -1] }),
    );
    expect(oblique[1]!.position[0]).toBeLessThan(oblique[0]!.position[0]);
    const { ordered, gaps, direction } = orderSlices(oblique, 'sagittal_t2');
    expect(numbers(ordered)).toEqual([1, 2, 3, 4]);
    expect(gaps).toEqual([]);
    expect(direction[0]).toBeCloseTo(cos, 9);
    expect(direction[1]).toBeCloseTo(sin, 9);
  });

  it('takes no slice, a single slice and two slices as they come', () => {
    expect(orderSlices([], 'axial_t2')).toMatchObject({ ordered: [], gaps: [], mismatched: [], asPromised: true });
    expect(numbers(orderSlices([axial(5, 3)], 'axial_t2').ordered)).toEqual([5]);
    const two = orderSlices([axial(5, 3), axial(6, 300)], 'axial_t2');
    expect(numbers(two.ordered)).toEqual([6, 5]);
    expect(two.gaps).toEqual([]);
  });
});

describe('repeated slices', () => {
  it('keep the lowest instance number', () => {
    const { ordered, repeated } = orderSlices(
      [sagittal(12, 0), sagittal(2, 0), sagittal(3, 4), sagittal(13, 4.005)],
      'sagittal_t2',
    );
    expect(numbers(ordered)).toEqual([2, 3]);
    expect(numbers(repeated)).toEqual([12, 13]);
  });

  it('agree in orientation as well: two tilted planes from one corner are two slices', () => {
    const corner: Vec3 = [-50, -50, 0];
    const flat = slice(1, corner, { orientation: AXIAL });
    const angled = slice(2, corner, { orientation: [1, 0, 0, 0, 0.9848, 0.1736] });
    const { ordered, repeated } = orderSlices([flat, angled], 'axial_t2');
    // The angled one's back is higher, so that its middle is.
    expect(numbers(ordered)).toEqual([2, 1]);
    expect(repeated).toEqual([]);
  });

  it('are still told apart when instance numbers are doubled', () => {
    const { ordered } = orderSlices([sagittal(1, 4), sagittal(1, 0), sagittal(1, 8)], 'sagittal_t2');
    expect(ordered.map(({ position }) => position[0])).toEqual([0, 4, 8]);
  });
});

describe('gaps', () => {
  it('are distances above one and a half times the median, whatever instance numbers say', () => {
    // Instance numbers with holes, positions without: no gap.
    expect(orderSlices([sagittal(1, 0), sagittal(5, 4), sagittal(9, 8)], 'sagittal_t2').gaps).toEqual([]);
    // The other way round: one slice is missing between 8 and 16.
    const { gaps } = orderSlices(
      [sagittal(1, 0), sagittal(2, 4), sagittal(3, 8), sagittal(4, 16), sagittal(5, 20)],
      'sagittal_t2',
    );
    expect(gaps.map(({ after, ...rest }) => ({ after: after.instanceNumber, ...rest }))).toEqual([
      { after: 3, distanceMm: 8, typicalMm: 4 },
    ]);
  });

  it('are measured along the normal and not opened by repeats', () => {
    const { gaps } = orderSlices(
      [sagittal(1, 0), sagittal(2, 4), sagittal(3, 8), sagittal(4, 12), ...[5, 6, 7, 8].map((n) => sagittal(n, 4))],
      'sagittal_t2',
    );
    expect(gaps).toEqual([]);
  });
});

describe('axial blocks angled to the discs', () => {
  // Three blocks of three slices 4 mm apart, 35 mm from block to block, tilted as lordosis tilts discs.
  const blocks = [
    { z: 70, degrees: -10 },
    { z: 35, degrees: 5 },
    { z: 0, degrees: 30 },
  ].flatMap(({ z, degrees }, block) =>
    [4, 0, -4].map((offset, index) => tilted(1 + block * 3 + index, z + offset, degrees)),
  );

  it('are ordered from head to feet block by block along the mean normal', () => {
    const { ordered, mismatched, repeated, direction } = orderSlices(blocks.toReversed(), 'axial_t2');
    expect(numbers(ordered)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...mismatched, ...repeated]).toEqual([]);
    expect(direction[2]).toBeLessThan(-0.9);
  });

  it('are ordered by their middles also where their corners have crossed', () => {
    // Written from the back: rows to the right, columns to the front, so that the corner is behind the body, where
    // blocks that open to the front have crossed. Slices 35 mm apart in the middle, tilted by 0 and 45 degrees; the
    // corners, 50 mm behind, stand the other way round: 0 and -35 + 50 * sin 45 = 0.36.
    const sin = Math.SQRT1_2;
    const upper = slice(1, [50, 50, 0], { orientation: [-1, 0, 0, 0, -1, 0] });
    const lower = slice(2, [50, 50 * sin, -35 + 50 * sin], { orientation: [-1, 0, 0, 0, -sin, -sin] });
    expect(lower.position[2]).toBeGreaterThan(upper.position[2]);
    expect(numbers(orderSlices([upper, lower], 'axial_t2').ordered)).toEqual([1, 2]);
  });

  it('have gaps by design, which are reported as the hint that they are', () => {
    expect(orderSlices(blocks, 'axial_t2').gaps.map(({ after }) => after.instanceNumber)).toEqual([3, 6]);
  });
});

describe('a series of mixed orientation', () => {
  it('keeps the planes of its kind, even if they are the fewer', () => {
    const localizer = [1, 2, 3, 4].map((n) => slice(n, [0, n * 5, 0], { orientation: CORONAL }));
    const { ordered, mismatched, asPromised } = orderSlices(
      [...localizer, sagittal(7, 4), sagittal(8, 0)],
      'sagittal_t2',
    );
    expect(numbers(ordered)).toEqual([8, 7]);
    expect(numbers(mismatched)).toEqual([1, 2, 3, 4]);
    expect(asPromised).toBe(true);
  });

  it('is ordered along its own main plane, and says so, if none is of its kind', () => {
    const coronal = [1, 2, 3].map((n) => slice(n, [0, -n * 5, 0], { orientation: CORONAL }));
    const result = orderSlices([...coronal, axial(9, 0)], 'sagittal_t2');
    // Front to back.
    expect(numbers(result.ordered)).toEqual([3, 2, 1]);
    expect(numbers(result.mismatched)).toEqual([9]);
    expect(result.asPromised).toBe(false);
  });

  it('is refused where a slice has no plane at all', () => {
    expect(() => orderSlices([slice(1, [0, 0, 0], { orientation: [0, 0, 0, 0, 0, 0] })], 'axial_t2')).toThrow(
      RangeError,
    );
  });
});
