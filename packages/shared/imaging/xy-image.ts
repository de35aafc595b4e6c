/**
 * Stage 2's input: a slice and one neighbour on each side as three channels. Unlike in stages 1 and 3, pixels are
 * normalised before they are resized. Source: docs/pipeline.md, "Points" and "Normalising and resizing".
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
  slices: readonly Image[],
  settings: XySettings,
  room = 0,
): { tensor: Float32Array; constant: boolean } {
  if (slices.length !== CHANNELS + 2 * room) {
    throw new RangeError(`expected ${CHANNELS + 2 * room} slices; found ${slices.length}`);
  }
  const [height, width] = settings.size;
  slices.forEach(checkImage);
  // Copies: the caller's pixels stay as they are.
  const channels = slices.map(withoutPadding);
  const data = channels.map((channel) => channel.data);
  const constant = normaliseTogether(data, settings.normalise, data.slice(room, room + CHANNELS));
  const tensor = new Float32Array(channels.length * height * width);
  const resize = stackResizer(height, width, settings.resize.antialias);
  channels.forEach((channel, index) => {
    resize(channel, tensor, index * height * width);
  });
  return { tensor, constant };
}

/** A copy whose padding is NaN: percentiles skip it, and normalising makes it 0. */
function withoutPadding({ data, padding, height, width }: Image): Image {
  const copy = data.slice();
  if (padding) for (let i = 0; i < copy.length; i++) if (padding[i]) copy[i] = Number.NaN;
  return { data: copy, height, width };
}
