/** Vectors in mm and rigid frames: the linear algebra that anatomy and acquisition need. */

export type Vector = readonly [number, number, number];

/** A right-handed orthonormal frame: `x` to the patient's left, `y` to the back, `z` to the head. */
export interface Frame {
  readonly origin: Vector;
  readonly x: Vector;
  readonly y: Vector;
  readonly z: Vector;
}

export const BODY_FRAME: Frame = { origin: [0, 0, 0], x: [1, 0, 0], y: [0, 1, 0], z: [0, 0, 1] };

export function add(a: Vector, b: Vector, scale = 1): Vector {
  return [a[0] + scale * b[0], a[1] + scale * b[1], a[2] + scale * b[2]];
}

export function subtract(a: Vector, b: Vector): Vector {
  return add(a, b, -1);
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/**
 * A frame at `origin`, turned by `tilt` radians about x so that its z points to the front, then by `lean` about y so
 * that it points to the left, then by `rotation` about its own z so that its front turns to the left.
 */
export function frameAt(origin: Vector, tilt: number, lean = 0, rotation = 0): Frame {
  const [c, s] = [Math.cos(tilt), Math.sin(tilt)];
  const y: Vector = [0, c, s];
  const up: Vector = [0, -s, c];
  const [cl, sl] = [Math.cos(lean), Math.sin(lean)];
  const z: Vector = [sl, up[1] * cl, up[2] * cl];
  const across = cross(y, z);
  if (rotation === 0) return { origin, x: across, y, z };
  const [cr, sr] = [Math.cos(rotation), Math.sin(rotation)];
  const at: Vector = [0, 0, 0];
  return { origin, x: add(add(at, across, cr), y, sr), y: add(add(at, y, cr), across, -sr), z };
}

/** Converts a point from the coordinates of a frame to those in which the frame is given. */
export function fromFrame(frame: Frame, [x, y, z]: Vector): Vector {
  return add(add(add(frame.origin, frame.x, x), frame.y, y), frame.z, z);
}

/** Converts a direction from the coordinates of a frame to those in which the frame is given. */
export function turn(frame: Frame, [x, y, z]: Vector): Vector {
  return fromFrame({ ...frame, origin: [0, 0, 0] }, [x, y, z]);
}
