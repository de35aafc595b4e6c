/**
 * Stage 2's input: a slice with one neighbour each side as three channels. Here, other than in stages 1 and 3, pixels
 * are normalised before they are resized.
 */

import { checkImage, type Image, type NormaliseSettings, type ResizeSettings } from './image.ts';
import { normaliseTogether } from './normalise.ts';
import { stackResizer } from './resize.ts';

/** The `input` of a stage-2 bundle. */
export interface XySettings {
  /** [height, width]. */
  readonly size: readonly [number, number];
  readonly normalise: NormaliseSettings;
  readonly resize: ResizeSettings;
}

/**
 * Three slices as channels. Order of steps: percentiles over the three slices together at their own resolution,
 * normalise, resize. A slice given twice, as at the end of a series, counts twice.
 *
 * @param slices before, at and after the slice; sizes may differ.
 * @returns `tensor` float32 [3, height, width] in [0, 1]; `constant` as in `volumeTensor`.
 * @throws {RangeError} for an image whose length does not fit its size.
 */
export function xyTensor(
  slices: readonly [Image, Image, Image],
  settings: XySettings,
): { tensor: Float32Array; constant: boolean } {
  const [height, width] = settings.size;
  slices.forEach(checkImage);
  // Copies: the caller's pixels stay as they are.
  const channels = slices.map((slice) => ({ ...slice, data: slice.data.slice() }));
  const constant = normaliseTogether(
    channels.map(({ data }) => data),
    settings.normalise,
  );
  const tensor = new Float32Array(channels.length * height * width);
  const resize = stackResizer(height, width, settings.resize.antialias);
  channels.forEach((channel, index) => {
    resize(channel, tensor, index * height * width);
  });
  return { tensor, constant };
}
