import { describe, expect, it } from 'vitest';
import { isPlaceable, nearestPlane, pixelToPatient, planeKind, type Vec3 } from '../geometry/index.ts';
import { centreOf, distanceToPlaneMm, normalOf, type Orientation, type SlicePlane } from '../geometry/slice-plane.ts';
import { patientToPixel } from './support/patient-to-pixel.ts';

const SAGITTAL: Orientation = [0, 1, 0, 0, 0, -1];
const AXIAL: Orientation = [1, 0, 0, 0, 1, 0];
const CORONAL: Orientation = [1, 0, 0, 0, 0, -1];
const COS20 = 0.9396926207859084;
const SIN20 = 0.3420201433256687;

function plane(fields: Partial<SlicePlane>): SlicePlane {
  return { rows: 256, columns: 256, position: [0, 0, 0], orientation: AXIAL, spacing: [1, 1], ...fields };
}

function expectPoint(found: Vec3, expected: Vec3): void {
  for (const axis of [0, 1, 2] as const) expect(found[axis]).toBeCloseTo(expected[axis], 5);
}

describe('a pixel in the patient', () => {
  it('lies at the image position for the first pixel', () => {
    expectPoint(pixelToPatient(plane({ position: [-5, 7, 11] }), 0, 0), [-5, 7, 11]);
  });

  it('moves by the second spacing along a row and by the first down a column', () => {
    // Columns 0.9 mm apart: x = 10 is 9 mm to the left. Rows 0.6 mm apart: y = 10 is 6 mm to the back.
    expectPoint(pixelToPatient(plane({ spacing: [0.6, 0.9] }), 10, 10), [9, 6, 0]);
  });

  it('comes back to its pixel from any oblique plane, with its signed distance', () => {
    const oblique = plane({
      position: [12, -80, 44],
      orientation: [COS20, SIN20, 0, 0, 0, -1],
      spacing: [0.6, 0.9],
    });
    const onPlane = pixelToPatient(oblique, 31.25, 77.5);
    const normal = normalOf(oblique.orientation);
    const above: Vec3 = [onPlane[0] + 3 * normal[0], onPlane[1] + 3 * normal[1], onPlane[2] + 3 * normal[2]];
    const found = patientToPixel(oblique, above);
    expect(found.x).toBeCloseTo(31.25, 9);
    expect(found.y).toBeCloseTo(77.5, 9);
    expect(found.distanceMm).toBeCloseTo(3, 9);
    expect(distanceToPlaneMm(oblique, above)).toBeCloseTo(3, 9);
  });

  it('comes back also where the orientation was rounded to three digits', () => {
    const rounded = plane({ orientation: [0.94, 0.342, 0.01, 0.012, 0, -1], spacing: [0.6, 0.9] });
    const found = patientToPixel(rounded, pixelToPatient(rounded, 200, 13));
    expect(found.x).toBeCloseTo(200, 9);
    expect(found.y).toBeCloseTo(13, 9);
    expect(found.distanceMm).toBeCloseTo(0, 9);
  });

  it('has the middle of the image between the middle pixels', () => {
    expectPoint(centreOf(plane({ rows: 4, columns: 5, spacing: [2, 1] })), [2, 3, 0]);
  });
});

describe('the normal of a slice', () => {
  it('is row direction x column direction', () => {
    expectPoint(normalOf(AXIAL), [0, 0, 1]);
    expectPoint(normalOf(SAGITTAL), [-1, 0, 0]);
    expectPoint(normalOf(CORONAL), [0, 1, 0]);
  });

  it('names the plane by its dominant axis', () => {
    expect([SAGITTAL, AXIAL, CORONAL].map(planeKind)).toEqual(['sagittal', 'axial', 'coronal']);
    expect(planeKind([1, 0, 0, 0, COS20, SIN20])).toBe('axial');
    expect(planeKind([1, 0, 0, 0, SIN20, COS20])).toBe('coronal');
  });

  it('is refused where the directions span no plane', () => {
    expect(() => normalOf([1, 0, 0, 1, 0, 0])).toThrow(/spans no plane/);
    expect(() => normalOf([1, 0, 0, Number.NaN, 1, 0])).toThrow(/spans no plane/);
  });
});

describe('a slice that can be placed', () => {
  it('has finite numbers, orthogonal unit directions and positive spacing', () => {
    expect(isPlaceable(plane({}))).toBe(true);
    expect(isPlaceable(plane({ position: [0, Number.NaN, 0] }))).toBe(false);
    expect(isPlaceable(plane({ orientation: [0, 0, 0, 0, 0, 0] }))).toBe(false);
    expect(isPlaceable(plane({ orientation: [1, 0, 0, 0.5, 0.866, 0] }))).toBe(false);
    expect(isPlaceable(plane({ orientation: [2, 0, 0, 0, 2, 0] }))).toBe(false);
    expect(isPlaceable(plane({ spacing: [0, 1] }))).toBe(false);
    expect(isPlaceable(plane({ spacing: [1, Infinity] }))).toBe(false);
  });
});

describe('the axial slice of a sagittal point', () => {
  it('is the plane nearest to it, and the first of equals', () => {
    const stack = [40, 36, 32].map((z) => plane({ position: [0, 0, z] }));
    expect(nearestPlane(stack, [5, 5, 33])).toMatchObject({ index: 2, distanceMm: 1 });
    expect(nearestPlane(stack, [5, 5, 34])).toMatchObject({ index: 1, distanceMm: 2 });
    expect(nearestPlane([], [0, 0, 0])).toBeUndefined();
  });

  it('does not change series for a rounding error', () => {
    const stack = [plane({ position: [0, 0, 10.0000000001] }), plane({ position: [0, 0, 10] })];
    expect(nearestPlane(stack, [0, 0, 10])?.index).toBe(0);
  });

  it('follows a hand-worked case: spacing 0.6\\0.9, sagittal turned by 20 degrees, axial stack tilted by 20', () => {
    // A sagittal slice turned by 20 degrees about the body's axis:
    //   row direction (-sin 20, cos 20, 0) = (-0.342020, 0.939693, 0), column direction (0, 0, -1),
    //   position (10, -80, 120), rows 0.6 mm apart, columns 0.9 mm apart.
    // Pixel x = 100, y = 50 lies 100 * 0.9 = 90 mm along the row and 50 * 0.6 = 30 mm down the column:
    //   x = 10 - 90 * 0.342020 = -20.781813;  y = -80 + 90 * 0.939693 = 4.572336;  z = 120 - 30 = 90.
    const sagittal = plane({
      position: [10, -80, 120],
      orientation: [-SIN20, COS20, 0, 0, 0, -1],
      spacing: [0.6, 0.9],
    });
    const point = pixelToPatient(sagittal, 100, 50);
    expectPoint(point, [-20.781813, 4.572336, 90]);

    // An axial stack tilted by 20 degrees about the left-right axis: rows (1, 0, 0), columns (0, cos 20, sin 20), so
    //   normal (0, -sin 20, cos 20); slice k lies 5 k mm against the normal from (-100, -90, 120).
    // From there to the point: (79.218187, 94.572336, -30). Along the normal:
    //   94.572336 * -0.342020 + -30 * 0.939693 = -32.345644 - 28.190779 = -60.536423 mm, and 60.536423 / 5 = 12.107:
    //   slice 12, 60.536423 - 60 = 0.536423 mm beyond it.
    const axial = Array.from({ length: 24 }, (_, k) =>
      plane({
        position: [-100, -90 + 5 * k * SIN20, 120 - 5 * k * COS20],
        orientation: [1, 0, 0, 0, COS20, SIN20],
        spacing: [0.5, 0.8],
      }),
    );
    const nearest = nearestPlane(axial, point)!;
    expect(nearest.index).toBe(12);
    expect(nearest.distanceMm).toBeCloseTo(0.536423, 5);

    // With the two spacings exchanged the same pixel would be (-10.521209, -23.618443, 75) and lie on slice 13:
    //   66.381557 * -0.342020 + -45 * 0.939693 = -22.703830 - 42.286168 = -64.989998 mm = 13 * 5 - 0.010002.
    const exchanged = pixelToPatient({ ...sagittal, spacing: [0.9, 0.6] }, 100, 50);
    expect(nearestPlane(axial, exchanged)?.index).toBe(13);
    // And by height alone, without the tilt, slice 6: (120 - 90) / (5 * 0.939693) = 6.4.

    // The point's pixel on slice 12: from its position the point is (79.218187, 94.572336, -30) + 60 * normal =
    //   (79.218187, 74.051127, 26.381557). x = 79.218187 / 0.8 = 99.022734;
    //   y = (74.051127 * 0.939693 + 26.381557 * 0.342020) / 0.5 = (69.585298 + 9.023024) / 0.5 = 157.216644.
    const pixel = patientToPixel(nearest.plane, point);
    expect(pixel.x).toBeCloseTo(99.022734, 5);
    expect(pixel.y).toBeCloseTo(157.216644, 5);
    expect(pixel.distanceMm).toBeCloseTo(-0.536423, 5);
  });
});
