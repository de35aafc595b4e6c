export {
  type CropSpace,
  CropSpaces,
  type Point,
  spaceCentre,
  type WindowReach,
  widenWindow,
  windowOf,
} from './crops.ts';
export type { Image } from './image.ts';
export { normaliseInPlace } from './normalise.ts';
export { type NpyDtype, npyHeader } from './npy.ts';
export { percentiles } from './percentiles.ts';
export { cropOf, cutCrop, cutRegion, insideSpace, joinBoxes, placeIn, type Region } from './regions.ts';
export { resizeBilinear } from './resize.ts';
export { centralSlices, nearestSliceOfDepth } from './slice-sampling.ts';
export { turnImage } from './turn.ts';
export { packedBytes, packTwelveBits, unpackTwelveBits } from './twelve-bits.ts';
export { volumeTensor } from './volume.ts';
export { xyTensor } from './xy-image.ts';
