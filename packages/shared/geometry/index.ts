export {
  canonicalTurn,
  canonicalTurns,
  isMirrored,
  isOblique,
  isUpright,
  TURNS,
  type Turn,
  toCanonical,
  toStored,
  turnPlane,
  turnSize,
  UPRIGHT,
} from './canonical-orientation.ts';
export { nearestPlane } from './nearest-plane.ts';
export { type NumberedSlice, orderSlices, type SliceGap, type SliceOrder } from './slice-order.ts';
export {
  centreOf,
  distanceToPlaneMm,
  isPlaceable,
  normalOf,
  type Orientation,
  patientToPixel,
  pixelToPatient,
  planeKind,
  type SlicePlane,
  type Vec3,
} from './slice-plane.ts';
