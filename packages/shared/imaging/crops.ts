/**
 * Stage 3's input: windows around a point, cut from a few slices. Each slice is resized once to a square, the `space`
 * (`CropSpaces`). Windows are then cut from it, normalised and resized (`cutCrop`). Source: docs/pipeline.md, "Crop
 * plan".
 *
 * Coordinates are fractions of the image: x in the space is x / width * space, without a half-pixel correction, because
 * labels and models use the same rule (`spaceCentre`).
 */

import type { Image, NormaliseSettings, ResizeSettings } from './image.ts';
import { normaliseInto } from './normalise.ts';
import { Distribution, percentiles } from './percentiles.ts';
import { paddedStackResizer, type Resizer, stackResizer } from './resize.ts';

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

/** The slices of a crop in the space, and the values that become 0 and 1. */
export interface CropSpace {
  /** float32 [space, space] each, resized but not yet normalised: `cutCrop` normalises each window. Padding is NaN. */
  readonly slices: readonly Float32Array[];
  /** Side of the square, px. */
  readonly space: number;
  readonly low: number;
  readonly high: number;
  /** As in `volumeTensor`. */
  readonly constant: boolean;
}

/** Makes the spaces of crops that share slices: each slice is resized, and its values counted, once. */
export class CropSpaces {
  readonly #settings: CropSpaceSettings;
  readonly #resize: Resizer;
  readonly #slices = new Map<Image, Float32Array>();
  readonly #distributions = new Map<Float32Array, Distribution>();

  constructor(settings: CropSpaceSettings) {
    this.#settings = settings;
    this.#resize = paddedStackResizer(settings.space, settings.space, settings.resize.antialias);
  }

  /**
   * Order of steps: resize each slice, then find the percentiles over all of them together.
   *
   * @param slices the slices of the crop, at least one (usually five, from `centralSlices`), and `room` more at each
   *   end; sizes may differ.
   * @param room extra slices at each end, for training. They do not count in the percentiles, so the percentiles are
   *   the same with any room.
   * @throws {RangeError} for no slices, or an image whose length does not fit its size.
   */
  of(slices: readonly Image[], room = 0): CropSpace {
    if (slices.length <= 2 * room) throw new RangeError('a crop needs at least one slice');
    const resized = slices.map((slice) => this.#resized(slice));
    const { normalise, space } = this.#settings;
    const measured = resized.slice(room, resized.length - room);
    const { low, high } = percentiles(measured, normalise.low, normalise.high, (data) =>
      this.#distributions.get(data)!,
    );
    return { slices: resized, space, low, high, constant: !(high > low) };
  }

  #resized(slice: Image): Float32Array {
    let data = this.#slices.get(slice);
    if (!data) {
      data = new Float32Array(this.#settings.space ** 2);
      this.#resize(slice, data, 0);
      this.#slices.set(slice, data);
      this.#distributions.set(data, new Distribution(data));
    }
    return data;
  }
}

/**
 * Cuts one window out of every slice of a space and resizes it. Pixels outside the space are zero, so that the centre
 * of the window stays where it is.
 *
 * @param centre px of the space (`spaceCentre`).
 * @returns float32 [slices, ...window.to] in [0, 1].
 * @throws {RangeError} if the centre is not finite, or the window is empty.
 */
export function cutCrop(
  { slices, space, low, high }: CropSpace,
  centre: Point,
  window: WindowReach,
  antialias: boolean,
): Float32Array {
  const { x0, y0, x1, y1 } = windowOf(centre, window);
  const width = x1 - x0;
  const height = y1 - y0;
  const [toHeight, toWidth] = window.to;
  const out = new Float32Array(slices.length * toHeight * toWidth);
  const resize = stackResizer(toHeight, toWidth, antialias);
  const cut = { data: new Float32Array(height * width), height, width };

  const fromX = Math.max(0, x0);
  const toX = Math.min(space, x1);
  // The whole window lies outside the image: all zeros.
  if (fromX >= toX) return out;
  slices.forEach((slice, index) => {
    // `cut` is zero outside the image and stays zero, since every slice has the same window.
    for (let y = Math.max(0, y0); y < Math.min(space, y1); y++) {
      const to = (y - y0) * width + fromX - x0;
      normaliseInto(slice, y * space + fromX, toX - fromX, cut.data, to, low, high);
    }
    resize(cut, out, index * toHeight * toWidth);
  });
  return out;
}

/**
 * The pixels of a window: columns x0 .. x1 - 1 and rows y0 .. y1 - 1 of the space, which may reach beyond it. The
 * centre is rounded to the nearest pixel, halves up.
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
 * A window that shows more on every side, at the same scale. Its centre equals the given window, except for the
 * outermost pixels, which are interpolated with pixels outside that window.
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

/** Converts a point from pixels of an image of `size` to pixels of the space: x / width * space, y / height * space. */
export function spaceCentre(
  point: Point,
  size: { readonly height: number; readonly width: number },
  space: number,
): Point {
  return { x: (point.x / size.width) * space, y: (point.y / size.height) * space };
}
