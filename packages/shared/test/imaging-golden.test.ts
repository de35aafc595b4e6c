import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { WindowReach } from '../imaging/crops.ts';
import {
  CropSpaces,
  cutCrop,
  type Image,
  percentiles,
  resizeBilinear,
  volumeTensor,
  xyTensor,
} from '../imaging/index.ts';
import type { VolumeSettings } from '../imaging/volume.ts';
import type { XySettings } from '../imaging/xy-image.ts';
import { largestDifference, TWELVE_BITS, wholeSpace } from './imaging-reference.ts';

/** An array as training/reference/make_fixtures.py writes it. */
interface Values {
  shape: number[];
  values: number[];
}
interface Golden {
  resize: { input: Values; size: [number, number]; antialias: boolean; output: Values }[];
  percentiles: { input: Values[]; output: [number, number, number, number][] };
  volume: { input: Values[]; settings: VolumeSettings; output: Values; sliceOf: number[]; constant: boolean }[];
  xy: { input: [Values, Values, Values]; settings: XySettings; output: Values; constant: boolean };
  crops: {
    input: Values[];
    settings: XySettings & { space: number };
    constant: boolean;
    space: Values;
    cuts: { centre: [number, number]; window: WindowReach; output: Values }[];
  };
}

const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/imaging-golden.json'), 'utf8'));
const TOLERANCE = 1e-6;

function image({ shape, values }: Values): Image {
  return { data: Float32Array.from(values), height: shape[0]!, width: shape[1]! };
}

describe('the numbers of the numpy and torch reference', () => {
  it.each(golden.resize)(
    'resizes $input.shape to $size, antialias $antialias',
    ({ input, size, antialias, output }) => {
      const found = resizeBilinear(image(input), ...size, { antialias });
      // Pixel values up to 4095: the tolerance is of the range.
      expect(largestDifference(found, output.values)).toBeLessThan(4096 * TOLERANCE);
    },
  );

  it.each(golden.percentiles.output)('takes percentiles %f and %f', (low, high, expectedLow, expectedHigh) => {
    const found = percentiles(
      golden.percentiles.input.map(({ values }) => Float32Array.from(values)),
      low,
      high,
    );
    expect(found.low).toBeCloseTo(expectedLow, 9);
    expect(found.high).toBeCloseTo(expectedHigh, 9);
  });

  it.each(golden.volume)('makes the volume of $input.length slices', ({ input, settings, output, ...expected }) => {
    const { tensor, sliceOf, constant } = volumeTensor(input.map(image), settings);
    expect(largestDifference(tensor, output.values)).toBeLessThan(TOLERANCE);
    expect({ sliceOf: [...sliceOf], constant }).toEqual(expected);
  });

  it('makes the image of stage 2', () => {
    const { input, settings, output } = golden.xy;
    const { tensor } = xyTensor([image(input[0]), image(input[1]), image(input[2])], settings);
    expect(largestDifference(tensor, output.values)).toBeLessThan(TOLERANCE);
  });

  it('makes the space of stage 3 and cuts windows in it, at its edge and outside', () => {
    const { input, settings, space, cuts } = golden.crops;
    const made = new CropSpaces(settings).of(input.map(image));
    expect(largestDifference(wholeSpace(made), space.values)).toBeLessThan(TOLERANCE);
    for (const { centre, window, output } of cuts) {
      const [x, y] = centre;
      const crop = cutCrop(made, { x, y }, window, true);
      expect(largestDifference(crop, output.values)).toBeLessThan(TWELVE_BITS);
    }
  });
});
