export { TURNS, type Turn, UPRIGHT, canonicalTurn, canonicalTurns, isMirrored, isOblique, isUpright, toCanonical, toStored, turnPlane, turnSize } from './canonical-orientation.ts';
export { nearestPlane } from './nearest-plane.ts';
export { type NumberedSlice, type SliceGap, type SliceOrder, orderSlices } from './slice-order.ts';
export { type Orientation, type SlicePlane, type Vec3, centreOf, distanceToPlaneMm, isPlaceable, normalOf, patientToPixel, pixelToPatient, planeKind } from './slice-plane.ts';
