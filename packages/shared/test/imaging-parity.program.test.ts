import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Kind } from '../domain/index.ts';
import { nearestPlane, orderSlices, pixelToPatient } from '../geometry/index.ts';
import type { NumberedSlice } from '../geometry/slice-order.ts';
import { CropSpaces, cutCrop, percentiles, resizeBilinear, volumeTensor, xyTensor } from '../imaging/index.ts';
import {
  largestDifference,
  NO_PYTHON,
  python,
  Reference,
  randomImage,
  randomNumbers,
  TEST_DATA,
  TWELVE_BITS,
  wholeSpace,
} from './imaging-reference.ts';
import { patientToPixel } from './support/patient-to-pixel.ts';

const NORMALISE = { low: 1, high: 99 };
const RESIZE = { antialias: true };
const VOLUME = { size: [384, 384], slices: 32, normalise: NORMALISE, resize: RESIZE } as const;
const XY = { size: [512, 512], normalise: NORMALISE, resize: RESIZE } as const;
const CROPS = { space: 512, normalise: NORMALISE, resize: RESIZE } as const;
const SAGITTAL_WINDOW = { left: 96, right: 32, top: 40, bottom: 40, to: [128, 224] } as const;
const AXIAL_WINDOW = { left: 144, right: 48, top: 96, bottom: 96, to: [256, 256] } as const;
/**
 * Largest difference, in the range [0, 1], of all but crops. Required is 1e-3; measured was at most 2.4e-7, the rounding
 * of float32.
 */
const TOLERANCE = 1e-6;

/** To load numpy, torch and pydicom takes longer than most comparisons, so that many of them share a reference. */
const missing = python() ? undefined : NO_PYTHON;

interface OrderReport {
  ordered: number[];
  repeated: number[];
  mismatched: number[];
  gaps: [number, number][];
  asPromised: boolean;
  planes: NumberedSlice[];
}

/** What `orderSlices` found, in the reference's words: indices into the planes. */
function inIndices(planes: readonly NumberedSlice[], kind: Kind): Omit<OrderReport, 'planes'> {
  const found = orderSlices(planes, kind);
  const indices = (slices: readonly NumberedSlice[]) => slices.map((slice) => planes.indexOf(slice));
  return {
    ordered: indices(found.ordered),
    repeated: indices(found.repeated),
    mismatched: indices(found.mismatched),
    gaps: found.gaps.map(({ after, distanceMm }) => [planes.indexOf(after), Number(distanceMm.toFixed(6))]),
    asPromised: found.asPromised,
  };
}
function rounded({ planes: _, ...report }: OrderReport): Omit<OrderReport, 'planes'> {
  return { ...report, gaps: report.gaps.map(([after, mm]) => [after, Number(mm.toFixed(6))]) };
}

describe.skipIf(missing)(`parity with numpy and torch on random arrays${missing ? ` (${missing})` : ''}`, () => {
  let reference: Reference;
  let report: Record<string, unknown>;
  afterAll(() => reference?.remove());

  const random = randomNumbers(11);
  const resizes = [
    { from: [640, 640], size: [384, 384], antialias: true },
    { from: [640, 512], size: [384, 384], antialias: false },
    { from: [320, 448], size: [512, 512], antialias: true },
    { from: [257, 1023], size: [64, 33], antialias: true },
    { from: [64, 64], size: [512, 512], antialias: false },
  ].map((one, index) => ({ ...one, name: `resize${index}`, image: randomImage(random, one.from[0]!, one.from[1]!) }));
  const stacks = [
    Array.from({ length: 3 }, () => randomImage(random, 320, 320)),
    Array.from({ length: 41 }, () => randomImage(random, 192, 256)),
    Array.from({ length: 6 }, (_, i) => randomImage(random, 300 + 40 * i, 512 - 30 * i)),
  ];
  const images = [640, 640, 600, 320, 448].map((height) => randomImage(random, height, 512));
  const cuts = [
    { centre: [256.4, 300.5], window: SAGITTAL_WINDOW },
    { centre: [20, 500], window: SAGITTAL_WINDOW },
    { centre: [470.2, 3.7], window: AXIAL_WINDOW },
  ] as const;
  const series = Array.from({ length: 60 }, (_, s) => ({
    kind: (['sagittal_t2', 'sagittal_t1', 'axial_t2'] as const)[s % 3]!,
    planes: randomStack(random, s % 3 === 2),
  }));
  const points = Array.from({ length: 5 }, () => [random() * 300, random() * 300] as const);

  beforeAll(() => {
    reference = new Reference();
    for (const { name, image, size, antialias } of resizes) {
      const slices = [reference.save(`${name}-in`, image)];
      reference.ask({ name, task: 'resize', slices, size, antialias });
      reference.ask({ name: `${name}-p`, task: 'percentiles', slices, normalise: NORMALISE });
    }
    stacks.forEach((stack, s) => {
      const slices = stack.map((image, i) => reference.save(`v${s}-${i}`, image));
      reference.ask({ name: `volume${s}`, task: 'volume', slices, settings: VOLUME });
    });
    const slices = images.map((image, i) => reference.save(`c${i}`, image));
    reference.ask({ name: 'xy', task: 'xy', slices: slices.slice(0, 3), settings: XY });
    reference.ask({ name: 'crops', task: 'crops', slices, settings: CROPS, cuts });
    series.forEach(({ kind, planes }, s) => {
      reference.ask({ name: `order${s}`, task: 'order', planes, kind });
      const plane = series[(s + 1) % series.length]!.planes[0];
      reference.ask({ name: `project${s}`, task: 'project', plane, points, planes });
    });
    report = reference.run();
  });

  it('resizes and takes percentiles alike', () => {
    for (const { name, image, size, antialias } of resizes) {
      const found = resizeBilinear(image, size[0]!, size[1]!, { antialias });
      expect(largestDifference(found, reference.array(name).data)).toBeLessThan(4096 * TOLERANCE);
      expect(percentiles([image.data], 1, 99)).toEqual(report[`${name}-p`]);
    }
  });

  it('makes the same volumes: few slices, many slices, slices of different sizes', () => {
    stacks.forEach((stack, s) => {
      const { tensor, sliceOf, constant } = volumeTensor(stack, VOLUME);
      const expected = reference.array(`volume${s}`);
      expect(expected.shape).toEqual([32, 384, 384]);
      expect(largestDifference(tensor, expected.data)).toBeLessThan(TOLERANCE);
      expect({ sliceOf: [...sliceOf], constant, order: null }).toEqual(report[`volume${s}`]);
    });
  });

  it('makes the same stage-2 images and crops, at the edges as well', () => {
    const { tensor } = xyTensor([images[0]!, images[1]!, images[2]!], XY);
    expect(largestDifference(tensor, reference.array('xy').data)).toBeLessThan(TOLERANCE);
    const space = new CropSpaces(CROPS).of(images);
    expect(largestDifference(wholeSpace(space), reference.array('crops_space').data)).toBeLessThan(TOLERANCE);
    cuts.forEach(({ centre: [x, y], window }, i) => {
      const crop = cutCrop(space, { x, y }, window, true);
      expect(largestDifference(crop, reference.array(`crops_${i}`).data)).toBeLessThan(TWELVE_BITS);
    });
  });

  it('orders and projects random oblique stacks alike', () => {
    series.forEach(({ kind, planes }, s) => {
      expect(inIndices(planes, kind)).toEqual(rounded(report[`order${s}`] as OrderReport));
      const projected = report[`project${s}`] as { patient: number[][]; nearest: number[][]; pixels: number[][] };
      points.forEach(([x, y], p) => {
        const point = pixelToPatient(series[(s + 1) % series.length]!.planes[0]!, x, y);
        const nearest = nearestPlane(planes, point)!;
        const pixel = patientToPixel(nearest.plane, point);
        expect(nearest.index).toBe(projected.nearest[p]![0]);
        const found = [...point, nearest.distanceMm, pixel.x, pixel.y, pixel.distanceMm];
        const expected = [...projected.patient[p]!, projected.nearest[p]![1]!, ...projected.pixels[p]!];
        expect(largestDifference(Float32Array.from(found), Float32Array.from(expected))).toBeLessThan(1e-3);
      });
    });
  });
});

/** An oblique stack in random instance order with repeats, a gap and, for axial ones, changing tilt. */
function randomStack(random: () => number, axial: boolean): NumberedSlice[] {
  const turn = (random() - 0.5) * 0.7;
  const flip = random() < 0.5 ? -1 : 1;
  const planes = Array.from({ length: 3 + Math.floor(random() * 20) }, (_, i) => {
    const tilt = axial ? turn + Math.floor(i / 4) * 0.1 : turn;
    const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
    const at = (i + (i > 7 ? 1.2 : 0)) * 4.4;
    const orientation: NumberedSlice['orientation'] = axial
      ? [flip, 0, 0, 0, flip * cos, flip * sin]
      : [-sin, flip * cos, 0, 0, 0, -1];
    const position: NumberedSlice['position'] = axial
      ? [-90 * flip, -90 * flip * cos, 80 - at - 90 * flip * sin]
      : [at * cos, -120 * flip + at * sin * flip, 130];
    return { rows: 300, columns: 320, spacing: [0.6, 0.9] as const, position, orientation, instanceNumber: 0 };
  });
  if (planes.length > 6) planes.push({ ...planes[4]! }, { ...planes[5]!, orientation: [1, 0, 0, 0, 0, -1] });
  const keys = planes.map(() => random());
  const order = planes.map((_, i) => i).sort((a, b) => keys[a]! - keys[b]!);
  return order.map((index, i) => ({ ...planes[index]!, instanceNumber: 1 + 2 * i }));
}

const IMAGES = join(TEST_DATA, 'scanner-phantom/test_images');
const withoutScanner = missing ?? (existsSync(IMAGES) ? undefined : `no test data at ${IMAGES}`);

describe.skipIf(withoutScanner)(
  `parity with pydicom, numpy and torch on a real scanner’s slices${withoutScanner ? ` (${withoutScanner})` : ''}`,
  () => {
    const STUDIES = ['1486', '1487'] as const;
    const KINDS = {
      '101': 'sagittal_t2',
      '102': 'sagittal_t1',
      '103': 'axial_t2',
      '104': 'axial_t2',
    } as const;
    const SERIES = STUDIES.flatMap((study) =>
      Object.entries(KINDS).map(([folder, kind]) => ({ study, folder, kind, id: `${study}-${folder}` })),
    );
    const CUTS = [
      { centre: [250, 260], window: SAGITTAL_WINDOW },
      { centre: [30, 480], window: AXIAL_WINDOW },
    ] as const;
    let first: Reference;
    let second: Reference;
    let report: Record<string, unknown>;
    let further: Record<string, unknown>;
    afterAll(() => {
      first?.remove();
      second?.remove();
    });

    const order = (id: string) => report[`order${id}`] as OrderReport;
    const ordered = (id: string) => order(id).ordered.map((index) => first.image(`pixels${id}_${index}`));
    const axial = (study: string) => [`${study}-103`, `${study}-104`].flatMap((id) => order(id).planes);
    const fourth = (id: string) => order(id).planes[order(id).ordered[3]!]!;

    beforeAll(() => {
      first = new Reference();
      second = new Reference();
      for (const { study, folder, kind, id } of SERIES) {
        const files = readdirSync(join(IMAGES, study, folder)).map((name) => join(IMAGES, study, folder, name));
        first.ask({ name: `order${id}`, task: 'order', slices: files, kind });
        first.ask({ name: `pixels${id}`, task: 'pixels', slices: files });
        first.ask({ name: `volume${id}`, task: 'volume', slices: files, kind, settings: VOLUME });
      }
      report = first.run();
      for (const { study, id } of SERIES) {
        const paths = ordered(id).map((image, i) => second.save(`${id}-${i}`, image));
        second.ask({ name: `xy${id}`, task: 'xy', slices: paths.slice(2, 5), settings: XY });
        second.ask({ name: `crops${id}`, task: 'crops', slices: paths.slice(1, 6), settings: CROPS, cuts: CUTS });
        const question = { plane: fourth(id), points: [[100, 120]], planes: axial(study) };
        second.ask({ name: `project${id}`, task: 'project', ...question });
      }
      further = second.run();
    });

    it.for(STUDIES)('orders, projects and preprocesses study %s alike', (name) => {
      for (const { study, kind, id } of SERIES.filter((one) => one.study === name)) {
        expect(inIndices(order(id).planes, kind)).toEqual(rounded(order(id)));
        const images = ordered(id);
        const { tensor: volume } = volumeTensor(images, VOLUME);
        expect(largestDifference(volume, first.array(`volume${id}`).data)).toBeLessThan(TOLERANCE);
        const { tensor } = xyTensor([images[2]!, images[3]!, images[4]!], XY);
        expect(largestDifference(tensor, second.array(`xy${id}`).data)).toBeLessThan(TOLERANCE);
        const space = new CropSpaces(CROPS).of(images.slice(1, 6));
        CUTS.forEach(({ centre: [x, y], window }, i) => {
          const crop = cutCrop(space, { x, y }, window, true);
          expect(largestDifference(crop, second.array(`crops${id}_${i}`).data)).toBeLessThan(TWELVE_BITS);
        });
        const { nearest } = further[`project${id}`] as { nearest: [number, number][] };
        expect(nearestPlane(axial(study), pixelToPatient(fourth(id), 100, 120))?.index).toBe(nearest[0]![0]);
      }
    });
  },
);
