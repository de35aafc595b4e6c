export {
  type CropSpace,
  type CropSpaceSettings,
  CropSpaces,
  cutCrop,
  type Point,
  spaceCentre,
  type WindowReach,
  widenWindow,
  windowOf,
} from './crops.ts';
export type { Image, NormaliseSettings, ResizeSettings } from './image.ts';
export { normaliseInPlace } from './normalise.ts';
export { type NpyArray, type NpyDtype, npyHeader, readNpy, writeNpy } from './npy.ts';
export { percentiles } from './percentiles.ts';
export { resizeBilinear } from './resize.ts';
export { centralSlices, nearestSliceOfDepth } from './slice-choice.ts';
export { turnImage } from './turn.ts';
export { type VolumeSettings, volumeTensor } from './volume.ts';
export { type XySettings, xyTensor } from './xy-image.ts';
