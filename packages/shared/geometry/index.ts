export {
  type Turn,
  UPRIGHT,
  canonicalTurns,
  isMirrored,
  isOblique,
  isUpright,
  toCanonical,
  toStored,
  turnSize,
} from './canonical-orientation.ts';
export { nearestPlane } from './nearest-plane.ts';
export { type SliceOrder, orderSlices } from './slice-order.ts';
export { type Vec3, isPlaceable, pixelToPatient, planeKind } from './slice-plane.ts';
