/**
 * Stage 3's input: windows around a point, cut from a few slices. Slices are resized to a square `space` and normalised
 * once (`cropSpace`); any number of windows is then cut from that (`cutCrop`).
 *
 * Coordinates are fractions of the image: x in the space is x / width * space, without a half-pixel correction, because
 * labels and models use the same rule (`spaceCentre`).
 */

import type { Image, NormaliseSettings, ResizeSettings } from './image.ts';
import { normaliseTogether } from './normalise.ts';
import { stackResizer } from './resize.ts';

/** The part of a stage-3 bundle's `crops` that makes the space. */
export interface CropSpaceSettings {
  /** Side of the square, px. */
  readonly space: number;
  readonly normalise: NormaliseSettings;
  readonly resize: ResizeSettings;
}

/** How far a window reaches from its centre, in px of the space, and the [height, width] it is resized to. */
export interface WindowReach {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly to: readonly [number, number];
}

/** A point in pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The slices of a crop in the space. Order of steps: resize each, normalise over all of them together.
 *
 * @param slices the slices of the crop, at least one (five, by `centralSlices`), and `room` more at either end; sizes
 *   may differ.
 * @param room slices that training may move to: normalised with the percentiles of those between, which are the same
 *   with any room.
 * @returns `stack` float32 [slices, space, space] in [0, 1]; `constant` as in `volumeTensor`.
 * @throws {RangeError} for no slices, or an image whose length does not fit its size.
 */
export function cropSpace(
  slices: readonly Image[],
  settings: CropSpaceSettings,
  room = 0,
): { stack: Float32Array; constant: boolean } {
  if (slices.length <= 2 * room) throw new RangeError('a crop needs at least one slice');
  const { space } = settings;
  const stack = new Float32Array(slices.length * space * space);
  const resize = stackResizer(space, space, settings.resize.antialias);
  slices.forEach((slice, index) => {
    // The same slice again, as at the end of a series, is copied.
    const before = slices.indexOf(slice);
    if (before < index) stack.copyWithin(index * space * space, before * space * space, (before + 1) * space * space);
    else resize(slice, stack, index * space * space);
  });
  const area = space * space;
  const measured = stack.subarray(room * area, stack.length - room * area);
  const constant = normaliseTogether([stack], settings.normalise, [measured]);
  return { stack, constant };
}

/**
 * Cuts one window out of every slice of a space and resizes it. What lies outside the space is zero, so that the centre
 * stays the centre.
 *
 * @param stack float32 [count, space, space] of `cropSpace`.
 * @param centre px of the space (`spaceCentre`).
 * @returns float32 [count, ...window.to].
 * @throws {RangeError} if the stack's length does not fit, the centre is not finite, or the window is empty.
 */
export function cutCrop(
  stack: Float32Array,
  count: number,
  space: number,
  centre: Point,
  window: WindowReach,
  antialias: boolean,
): Float32Array {
  if (stack.length !== count * space * space) {
    throw new RangeError(`expected ${count} slices of ${space} x ${space}; found ${stack.length} values`);
  }
  const { x0, y0, x1, y1 } = windowOf(centre, window);
  const width = x1 - x0;
  const height = y1 - y0;
  const [toHeight, toWidth] = window.to;
  const out = new Float32Array(count * toHeight * toWidth);
  const resize = stackResizer(toHeight, toWidth, antialias);
  const cut = { data: new Float32Array(height * width), height, width };

  const fromX = Math.max(0, x0);
  const toX = Math.min(space, x1);
  // Nothing of the window is in the image: zeros, as they are.
  if (fromX >= toX) return out;
  for (let slice = 0; slice < count; slice++) {
    // Outside the image the scratch was zero from the start and stays so: every slice has the same window.
    for (let y = Math.max(0, y0); y < Math.min(space, y1); y++) {
      const row = (slice * space + y) * space;
      cut.data.set(stack.subarray(row + fromX, row + toX), (y - y0) * width + fromX - x0);
    }
    resize(cut, out, slice * toHeight * toWidth);
  }
  return out;
}

/**
 * The pixels of a window: columns x0 .. x1 - 1 and rows y0 .. y1 - 1 of the space, which may reach beyond it. The centre
 * is rounded to the nearest pixel, halves upwards.
 *
 * @throws {RangeError} if the centre is not finite or the window holds no pixel.
 */
export function windowOf(
  centre: Point,
  window: Pick<WindowReach, 'left' | 'right' | 'top' | 'bottom'>,
): { x0: number; y0: number; x1: number; y1: number } {
  const x = Math.floor(centre.x + 0.5);
  const y = Math.floor(centre.y + 0.5);
  if (!(Number.isFinite(x) && Number.isFinite(y))) {
    throw new RangeError(`the centre of a crop is a point; found (${centre.x}, ${centre.y})`);
  }
  const box = { x0: x - window.left, y0: y - window.top, x1: x + window.right, y1: y + window.bottom };
  if (!(box.x1 > box.x0 && box.y1 > box.y0)) throw new RangeError('the window of a crop holds no pixel');
  return box;
}

/**
 * A window that shows more on every side, at the same scale: its inside is the window, but for the outermost pixels,
 * which are mixed with what lies outside.
 *
 * @param room px of the resized window on the left and the right (`width`), the top and the bottom (`height`).
 * @throws {RangeError} if the room is not a whole number of pixels of the space.
 */
export function widenWindow(
  window: WindowReach,
  room: { readonly height: number; readonly width: number },
): WindowReach {
  const [height, width] = window.to;
  const down = (room.height * (window.top + window.bottom)) / height;
  const across = (room.width * (window.left + window.right)) / width;
  if (!(Number.isInteger(down) && Number.isInteger(across))) {
    throw new RangeError(`the room of a window is whole pixels; found ${down} down and ${across} across`);
  }
  return {
    left: window.left + across,
    right: window.right + across,
    top: window.top + down,
    bottom: window.bottom + down,
    to: [height + 2 * room.height, width + 2 * room.width],
  };
}

/** A point in pixels of an image of `size`, in pixels of the space: x / width * space, y / height * space. */
export function spaceCentre(
  point: Point,
  size: { readonly height: number; readonly width: number },
  space: number,
): Point {
  return { x: (point.x / size.width) * space, y: (point.y / size.height) * space };
}
