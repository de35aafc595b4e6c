/**
 * Where stage 3's input is cut: windows around a point, in a few slices. Each slice is resized once to a square, the
 * `space` (`CropSpaces`). Windows are then cut from it, normalised and resized (regions.ts). Source: docs/pipeline.md,
 * "Crop plan".
 *
 * Coordinates are fractions of the image: x in the space is x / width * space, without a half-pixel correction, because
 * labels and models use the same rule (`spaceCentre`).
 */

import type { PixelData } from '../domain/index.ts';
import { checkImage, type Image, type NormaliseSettings, type ResizeSettings } from './image.ts';
import { withKernels } from './kernel-memory.ts';
import { percentiles } from './percentiles.ts';
import { paddedStackResizer } from './resize.ts';

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

/** Columns x0 .. x1 - 1 and rows y0 .. y1 - 1 of the space. */
export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** A point in pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The slices of a crop in the space, and the values that become 0 and 1. */
export interface CropSpace {
  /**
   * [space, space] each, resized but not yet normalised: `cutRegion` normalises. Padding is NaN. A slice that needs no
   * resizing and has no padding is the data of its image: nobody writes to it. All others are float32.
   */
  readonly slices: readonly PixelData[];
  /** Side of the square, px. */
  readonly space: number;
  readonly low: number;
  readonly high: number;
  /** As in `volumeTensor`. */
  readonly constant: boolean;
}

/** Makes the spaces of crops that share slices: each slice is resized once. */
export class CropSpaces {
  readonly #settings: CropSpaceSettings;
  readonly #resize: ReturnType<typeof paddedStackResizer>;
  readonly #allocate: (length: number) => Float32Array;
  readonly #slices = new Map<Image<PixelData>, PixelData>();

  /** @param allocate gives the memory of slices that are resized; default: new arrays. */
  constructor(settings: CropSpaceSettings, allocate: (length: number) => Float32Array = newArray) {
    this.#settings = settings;
    this.#allocate = allocate;
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
  of(slices: readonly Image<PixelData>[], room = 0): CropSpace {
    if (slices.length <= 2 * room) throw new RangeError('a crop needs at least one slice');
    const resized = slices.map((slice) => this.#resized(slice));
    const { normalise, space } = this.#settings;
    const measured = resized.slice(room, resized.length - room);
    const { low, high } = percentiles(measured, normalise.low, normalise.high);
    return { slices: resized, space, low, high, constant: !(high > low) };
  }

  #resized(slice: Image<PixelData>): PixelData {
    let data = this.#slices.get(slice);
    if (!data) {
      const { space } = this.#settings;
      checkImage(slice);
      if (slice.height === space && slice.width === space && !slice.padding) {
        data = slice.data;
      } else {
        data = withKernels((memory) => {
          const at = memory.area(4 * space ** 2);
          this.#resize(memory, slice, at);
          const resized = this.#allocate(space ** 2);
          resized.set(memory.float32(at, space ** 2));
          return resized;
        });
      }
      this.#slices.set(slice, data);
    }
    return data;
  }
}

function newArray(length: number): Float32Array {
  return new Float32Array(length);
}

/**
 * The pixels of a window, which may reach beyond the space. The centre is rounded to the nearest pixel, halves up.
 *
 * @throws {RangeError} if the centre is not finite or the window holds no pixel.
 */
export function windowOf(centre: Point, window: Pick<WindowReach, 'left' | 'right' | 'top' | 'bottom'>): Box {
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
