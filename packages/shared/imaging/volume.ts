/**
 * Stage 1's input: a series as a volume of fixed size, resized, normalised over the whole stack and padded. Source:
 * docs/pipeline.md, "Level slices" and "Normalising and resizing".
 */

import type { PixelData } from '../domain/index.ts';
import type { Image, NormaliseSettings, ResizeSettings } from './image.ts';
import { withKernels } from './kernel-memory.ts';
import { normaliseTogether } from './normalise.ts';
import { paddedStackResizer } from './resize.ts';
import { nearestSliceOfDepth } from './slice-sampling.ts';

/** The `input` of a stage-1 bundle. */
export interface VolumeSettings {
  /** [height, width]. */
  readonly size: readonly [number, number];
  readonly slices: number;
  readonly normalise: NormaliseSettings;
  readonly resize: ResizeSettings;
}

/**
 * The volume of a series. Order of steps: choose slices (`nearestSliceOfDepth`), resize each, normalise over the chosen
 * slices together, pad with zero slices at the end. Percentiles are taken over the resized pixels. Neither the padding
 * of the images, which becomes 0, nor the zero slices count.
 *
 * @param slices in order (`orderSlices`), at least one; sizes may differ from slice to slice.
 * @returns `tensor` float32 [settings.slices, height, width] in [0, 1]; `sliceOf[i]`, the index into `slices` for
 *   tensor position i, for the positions that are not padding; `constant`, whether the tensor is all zeros because all
 *   pixels between the percentiles were equal.
 * @throws {RangeError} for no slices, or an image whose length does not fit its size.
 */
export function volumeTensor(
  slices: readonly Image<PixelData>[],
  settings: VolumeSettings,
): { tensor: Float32Array; sliceOf: Int32Array; constant: boolean } {
  if (slices.length === 0) throw new RangeError('a volume needs at least one slice');
  const [height, width] = settings.size;
  const area = height * width;
  const sliceOf = nearestSliceOfDepth(slices.length, settings.slices);
  const tensor = new Float32Array(settings.slices * area);
  const resize = paddedStackResizer(height, width, settings.resize.antialias);
  const constant = withKernels((memory) => {
    const count = sliceOf.length * area;
    const at = memory.area(4 * count);
    sliceOf.forEach((slice, position) => {
      resize(memory, slices[slice]!, at + 4 * position * area);
    });
    const constant = normaliseTogether(memory, [{ at, count }], settings.normalise);
    tensor.set(memory.float32(at, count));
    return constant;
  });
  return { tensor, sliceOf, constant };
}
