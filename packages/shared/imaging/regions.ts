/**
 * Crops before they are resized. A region holds the pixels of one or more windows of a space, normalised and quantised
 * (`cutRegion`). A window is then cut out of its region and resized (`cropOf`). Stage 2 makes regions and stage 3 makes
 * crops of them; training makes both at once (`cutCrop`). Source: docs/pipeline.md, "Crop plan".
 */

import { type Box, type CropSpace, type Point, type WindowReach, windowOf } from './crops.ts';
import { withKernels } from './kernel-memory.ts';
import { normaliseRows } from './normalise.ts';
import { storedResizer } from './resize.ts';
import { ONE } from './twelve-bits.ts';

/** The pixels of a box in each slice. */
export interface Region {
  /** uint16 [slices, height, width], numbers of 12 bits (twelve-bits.ts). */
  readonly numbers: Uint16Array;
  readonly slices: number;
  readonly height: number;
  readonly width: number;
}

/** Where a window lies in its region, px. It may reach beyond the region: pixels out there are zero. */
export interface WindowPlace {
  /** Of its first column and row. */
  readonly x: number;
  readonly y: number;
  readonly height: number;
  readonly width: number;
}

/** The part of a box that lies in a space of `side` px. It may be empty. */
export function insideSpace({ x0, y0, x1, y1 }: Box, side: number): Box {
  const inside = (value: number) => Math.min(Math.max(value, 0), side);
  return { x0: inside(x0), y0: inside(y0), x1: inside(x1), y1: inside(y1) };
}

/**
 * Joins boxes that overlap, so that the pixels that they share are stored once: a box joins the first region with which
 * it has a bounding box that is no larger than the two apart.
 *
 * @returns the regions, and for each box the index of the region that holds it.
 */
export function joinBoxes(boxes: readonly Box[]): { regions: Box[]; regionOf: number[] } {
  const regions: Box[] = [];
  const regionOf = boxes.map((box) => {
    const found = regions.findIndex((region) => area(around(region, box)) <= area(region) + area(box));
    if (found < 0) return regions.push(box) - 1;
    regions[found] = around(regions[found]!, box);
    return found;
  });
  return { regions, regionOf };
}

function around(a: Box, b: Box): Box {
  return {
    x0: Math.min(a.x0, b.x0),
    y0: Math.min(a.y0, b.y0),
    x1: Math.max(a.x1, b.x1),
    y1: Math.max(a.y1, b.y1),
  };
}

function area({ x0, y0, x1, y1 }: Box): number {
  return (x1 - x0) * (y1 - y0);
}

/** Cuts a box out of every slice of a space, normalises and quantises it. @param box inside the space. */
export function cutRegion({ slices, space, low, high }: CropSpace, { x0, y0, x1, y1 }: Box): Region {
  const height = y1 - y0;
  const width = x1 - x0;
  const count = height * width;
  const numbers = new Uint16Array(slices.length * count);
  withKernels((memory) => {
    // Whole rows are copied: one copy is faster than one per row.
    const rows = memory.area(4 * height * space);
    const normalised = memory.area(4 * count);
    const quantised = memory.area(2 * count);
    slices.forEach((slice, index) => {
      memory.writePixels(slice, y0 * space, height * space, rows);
      const from = { at: rows + 4 * x0, stride: space, rows: height, columns: width };
      normaliseRows(memory, from, { at: normalised, stride: width }, low, high);
      memory.run.quantise(normalised, count, ONE, quantised);
      numbers.set(memory.uint16(quantised, count), index * count);
    });
  });
  return { numbers, slices: slices.length, height, width };
}

/**
 * Cuts a window out of every slice of a region and resizes it.
 *
 * @param to [height, width] of the crop.
 * @returns float32 [slices, ...to] in [0, 1].
 */
export function cropOf(
  region: Region,
  { x, y, height, width }: WindowPlace,
  to: readonly [number, number],
  antialias: boolean,
): Float32Array {
  const [toHeight, toWidth] = to;
  const out = new Float32Array(region.slices * toHeight * toWidth);
  const fromX = Math.max(0, x);
  const toX = Math.min(region.width, x + width);
  const fromY = Math.max(0, y);
  const toY = Math.min(region.height, y + height);
  // The whole window lies outside the image: all zeros.
  if (fromX >= toX || fromY >= toY) return out;
  const resize = storedResizer(toHeight, toWidth, antialias);
  const count = region.height * region.width;
  withKernels((memory) => {
    const numbers = memory.area(2 * count);
    const cut = memory.area(4 * height * width);
    const resized = memory.area(4 * toHeight * toWidth);
    // Zero outside the region. It stays zero there, since every slice has the same window.
    memory.float32(cut, height * width).fill(0);
    for (let slice = 0; slice < region.slices; slice++) {
      memory.uint16(numbers, count).set(region.numbers.subarray(slice * count, (slice + 1) * count));
      memory.run.dequantise(
        numbers + 2 * (fromY * region.width + fromX),
        region.width,
        toY - fromY,
        toX - fromX,
        ONE,
        cut + 4 * ((fromY - y) * width + fromX - x),
        width,
      );
      resize(memory, { at: cut, height, width }, resized);
      out.set(memory.float32(resized, toHeight * toWidth), slice * toHeight * toWidth);
    }
  });
  return out;
}

/**
 * One crop, without a region that it shares with others: bit for bit what `cropOf` makes of its window in any region.
 * Pixels outside the space are zero, so that the centre of the window stays where it is.
 *
 * @param centre px of the space (`spaceCentre`).
 * @returns float32 [slices, ...window.to] in [0, 1].
 * @throws {RangeError} if the centre is not finite, or the window is empty.
 */
export function cutCrop(space: CropSpace, centre: Point, window: WindowReach, antialias: boolean): Float32Array {
  const box = windowOf(centre, window);
  const region = insideSpace(box, space.space);
  return cropOf(cutRegion(space, region), placeIn(region, box), window.to, antialias);
}

/** Where a box lies in a region. */
export function placeIn(region: Box, { x0, y0, x1, y1 }: Box): WindowPlace {
  return { x: x0 - region.x0, y: y0 - region.y0, height: y1 - y0, width: x1 - x0 };
}
