/**
 * Reads stored crops another way than the pipeline: number i of a region is bits 12 i to 12 i + 11, where bit 0 is the
 * lowest of the first byte.
 */

import type { CropArray, CropsArtefact } from '../../stages/artefacts.ts';

/** The pixels of a stored window before it is resized: [slices, height, width], in [0, 1]. */
export function storedWindow(
  { regions, arrays }: CropsArtefact,
  bytes: Uint8Array,
  array: CropArray,
  row: number,
): { data: number[]; slices: number; height: number; width: number } {
  const window = arrays[array]!.rows[row]!;
  const bytesOf = ({ slices, height, width }: CropsArtefact['regions'][number]) =>
    3 * ((slices * height * width + 1) >> 1);
  const start = regions.slice(0, window.region).reduce((sum, region) => sum + bytesOf(region), 0);
  const region = regions[window.region]!;
  const valueAt = (slice: number, y: number, x: number) => {
    if (y < 0 || x < 0 || y >= region.height || x >= region.width) return 0;
    const bit = 12 * ((slice * region.height + y) * region.width + x);
    const at = start + (bit >> 3);
    return (((bytes[at]! + 256 * bytes[at + 1]!) >> (bit % 8)) & 4095) / 4095;
  };
  const data: number[] = [];
  for (let slice = 0; slice < region.slices; slice++) {
    for (let y = 0; y < window.height; y++) {
      for (let x = 0; x < window.width; x++) data.push(valueAt(slice, window.y + y, window.x + x));
    }
  }
  return { data, slices: region.slices, height: window.height, width: window.width };
}
