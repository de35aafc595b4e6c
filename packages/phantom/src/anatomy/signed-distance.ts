/**
 * Signed distances in mm to simple shapes, negative inside. Distances to ellipses are first-order approximations,
 * accurate near the edge, where they matter. Source: Inigo Quilez, "Distance functions"; Taubin 1991 for the
 * first-order distance.
 */

/** An ellipse with half axes a and b about the origin. */
export function ellipse(x: number, y: number, a: number, b: number): number {
  const px = x / a;
  const py = y / b;
  const level = Math.sqrt(px * px + py * py);
  const gx = px / a;
  const gy = py / b;
  const slope = Math.sqrt(gx * gx + gy * gy);
  return slope < 1e-6 ? -Math.min(a, b) : (level * (level - 1)) / slope;
}

/** An ellipsoid with half axes a, b and c about the origin. */
export function ellipsoid(x: number, y: number, z: number, a: number, b: number, c: number): number {
  const px = x / a;
  const py = y / b;
  const pz = z / c;
  const level = Math.sqrt(px * px + py * py + pz * pz);
  const gx = px / a;
  const gy = py / b;
  const gz = pz / c;
  const slope = Math.sqrt(gx * gx + gy * gy + gz * gz);
  return slope < 1e-6 ? -Math.min(a, b, c) : (level * (level - 1)) / slope;
}

/** A box with half extents a, b and c, its edges rounded by `round`. */
export function roundBox(x: number, y: number, z: number, a: number, b: number, c: number, round: number): number {
  const qx = Math.abs(x) - a + round;
  const qy = Math.abs(y) - b + round;
  const qz = Math.abs(z) - c + round;
  const ox = Math.max(qx, 0);
  const oy = Math.max(qy, 0);
  const oz = Math.max(qz, 0);
  const inside = qx > qy ? Math.max(qx, qz) : Math.max(qy, qz);
  return Math.sqrt(ox * ox + oy * oy + oz * oz) + Math.min(inside, 0) - round;
}

/** The intersection of two shapes with the edge between them rounded by `round`. */
export function intersect(a: number, b: number, round: number): number {
  const qa = a + round;
  const qb = b + round;
  const oa = Math.max(qa, 0);
  const ob = Math.max(qb, 0);
  const inside = Math.max(qa, qb);
  return Math.sqrt(oa * oa + ob * ob) + Math.min(inside, 0) - round;
}

/** 0 below `low`, 1 above `high`, smooth in between. */
export function smoothStep(low: number, high: number, value: number): number {
  const t = (value - low) / (high - low);
  if (t <= 0) return 0;
  if (t >= 1) return 1;
  return t * t * (3 - 2 * t);
}

/** A Gaussian: 1 at distance 0, decreasing with the given width. */
export function bell(distance: number, width: number): number {
  const t = distance / width;
  return Math.exp(-0.5 * t * t);
}
