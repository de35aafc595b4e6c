/**
 * Groups normals that can belong to one stack: those within 60 degrees of one of them. Axial blocks angled to the discs
 * differ by 50 degrees and more from L1/L2 to L5/S1 and are one stack. The three planes of a localizer are three
 * stacks.
 */

import type { Vec3 } from '../geometry/index.ts';
import { plus, turnedTo } from './plane.ts';

/** cos 60 degrees, as in `geometry/slice-order.ts`. */
const SAME_STACK_COSINE = 0.5;
/** Normals are counted in bins of about 3 degrees. A half sphere has about a thousand of them. */
const BIN = 0.05;

interface Bin {
  readonly key: string;
  sum: Vec3;
  readonly members: number[];
}

/**
 * Groups normals by plane, the largest group first. The result depends on the normals alone, not on their order.
 *
 * @param normals unit vectors; a vector and its opposite are the same plane.
 * @returns the indices of each group, ascending.
 */
export function planeGroups(normals: readonly Vec3[]): number[][] {
  const bins = new Map<string, Bin>();
  normals.forEach((normal, index) => {
    const rounded = forward(normal).map((value) => Math.round(value / BIN));
    const key = rounded.join(' ');
    const bin = bins.get(key) ?? { key, sum: [0, 0, 0], members: [] };
    bin.sum = plus(bin.sum, turnedTo(rounded as unknown as Vec3, normal));
    bin.members.push(index);
    bins.set(key, bin);
  });
  let left = [...bins.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const groups: number[][] = [];
  while (left.length > 0) {
    const group = largestGroup(left);
    groups.push([...group].flatMap(({ members }) => members).sort((a, b) => a - b));
    left = left.filter((bin) => !group.has(bin));
  }
  return groups;
}

/** The bins around the one with most images within 60 degrees. If several are equal, the one in their middle. */
function largestGroup(bins: readonly Bin[]): Set<Bin> {
  const directions = bins.map(({ sum }) => unit(sum));
  let best: { count: number; closeness: number; members: Bin[] } | undefined;
  for (const leader of directions) {
    const members: Bin[] = [];
    let count = 0;
    let closeness = 0;
    for (const [i, direction] of directions.entries()) {
      const cosine = Math.abs(leader[0] * direction[0] + leader[1] * direction[1] + leader[2] * direction[2]);
      if (cosine < SAME_STACK_COSINE) continue;
      members.push(bins[i]!);
      count += bins[i]!.members.length;
      closeness += cosine * bins[i]!.members.length;
    }
    const better = !best || count > best.count || (count === best.count && closeness > best.closeness + 1e-9);
    if (better) best = { count, closeness, members };
  }
  return new Set(best!.members);
}

/** The normal or its opposite: the one whose largest component is positive. */
function forward(normal: Vec3): Vec3 {
  const [x, y, z] = normal.map(Math.abs) as [number, number, number];
  const main = x >= y && x >= z ? normal[0] : y >= z ? normal[1] : normal[2];
  return main < 0 ? [-normal[0], -normal[1], -normal[2]] : normal;
}

function unit(vector: Vec3): Vec3 {
  const length = Math.hypot(...vector);
  return [vector[0] / length, vector[1] / length, vector[2] / length];
}
