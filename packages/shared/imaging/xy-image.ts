/**
 * Stage 2's input: a slice and one neighbour on each side as three channels. Unlike in stages 1 and 3, pixels are
 * normalised before they are resized. Source: docs/pipeline.md, "Points" and "Normalising and resizing".
 */

import type { PixelData } from '../domain/index.ts';
import { checkImage, type Image, type NormaliseSettings, type ResizeSettings } from './image.ts';
import { type KernelMemory, withKernels } from './kernel-memory.ts';
import { normaliseTogether } from './normalise.ts';
import { type StoredImage, storedResizer } from './resize.ts';

/** The `input` of a stage-2 bundle. */
export interface XySettings {
  /** [height, width]. */
  readonly size: readonly [number, number];
  readonly normalise: NormaliseSettings;
  readonly resize: ResizeSettings;
}

/** Slices that the models see: one before, the slice, one after. */
const CHANNELS = 3;

/**
 * Three slices as channels. Order of steps: percentiles over the three slices together at their own resolution,
 * normalise, resize. A slice that is given twice, as at the end of a series, counts twice.
 *
 * @param slices before, at and after the slice, and `room` more at each end; sizes may differ.
 * @param room extra slices at each end, for training. They are normalised with the percentiles of the middle three,
 *   whose channels are the same with any room.
 * @returns `tensor` float32 [3 + 2 room, height, width] in [0, 1]; `constant` as in `volumeTensor`.
 * @throws {RangeError} for another number of slices, or an image whose length does not fit its size.
 */
export function xyTensor(
  slices: readonly Image<PixelData>[],
  settings: XySettings,
  room = 0,
): { tensor: Float32Array; constant: boolean } {
  if (slices.length !== CHANNELS + 2 * room) {
    throw new RangeError(`expected ${CHANNELS + 2 * room} slices; found ${slices.length}`);
  }
  const [height, width] = settings.size;
  slices.forEach(checkImage);
  const tensor = new Float32Array(slices.length * height * width);
  const resize = storedResizer(height, width, settings.resize.antialias);
  const constant = withKernels((memory) => {
    const channels = slices.map((slice) => withoutPadding(memory, slice));
    const stacks = channels.map((channel) => ({ at: channel.at, count: channel.height * channel.width }));
    const measured = stacks.slice(room, room + CHANNELS);
    const constant = normaliseTogether(memory, stacks, settings.normalise, measured);
    const to = memory.area(4 * height * width);
    channels.forEach((channel, index) => {
      const hasSize = channel.height === height && channel.width === width;
      if (!hasSize) resize(memory, channel, to);
      tensor.set(memory.float32(hasSize ? channel.at : to, height * width), index * height * width);
    });
    return constant;
  });
  return { tensor, constant };
}

/** A copy in the memory of the kernels. Its padding is NaN: percentiles skip it, and normalising makes it 0. */
function withoutPadding(memory: KernelMemory, { data, padding, height, width }: Image<PixelData>): StoredImage {
  const at = memory.copyOfPixels(data);
  if (padding) {
    const copy = memory.float32(at, padding.length);
    for (let i = 0; i < copy.length; i++) if (padding[i]) copy[i] = Number.NaN;
  }
  return { at, height, width };
}
