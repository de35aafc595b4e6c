/**
 * Takes apart images that repeat one another's places: echoes, dynamics, magnitude and phase. The first attribute that tells
 * nearly all repeats apart counts, or the first two together where no single one does. Where none do, the repeats stay, and
 * slice ordering keeps the lowest instance number.
 *
 * Only what is needed is taken apart. Values of an attribute that lie at different places, such as two acquisitions with
 * every other slice, go on making one stack.
 */

import type { Unit } from './series-stack.ts';

/** An image with the number of its place (`places.ts`). */
export interface Placed<U extends Unit> {
  readonly unit: U;
  readonly place: number;
}

/** The share of the repeats that an attribute may leave: a slice that was acquired twice in one echo. */
const MAY_REMAIN = 0.1;
/** More stacks than any series has: beyond it the attribute counts images and tells nothing. */
const MOST_LAYERS = 2000;

type Attribute = (unit: Unit) => string | number;
const ABSENT = -1;

const ATTRIBUTES: readonly Attribute[] = [
  ({ facts, frame }) => `${facts.echoNumber ?? ABSENT} ${frame.echoTimeMs ?? facts.echoTimeMs ?? ABSENT}`,
  ({ frame }) => frame.temporalPosition ?? ABSENT,
  ({ facts }) => facts.acquisitionNumber ?? ABSENT,
  ({ facts }) => facts.imageType.join('\\'),
  ({ facts }) => facts.inversionTimeMs ?? ABSENT,
];

/** Attributes alone, then two together: echoes of several dynamics. */
const CANDIDATES: readonly Attribute[] = [
  ...ATTRIBUTES,
  ...ATTRIBUTES.flatMap((first, i) =>
    ATTRIBUTES.slice(i + 1).map(
      (second): Attribute =>
        (unit) =>
          `${first(unit)}\0${second(unit)}`,
    ),
  ),
];

/**
 * The images as stacks without repeats as far as an attribute tells them apart.
 *
 * @param members in a fixed order; each stack keeps it.
 */
export function withoutRepeats<U extends Unit>(members: readonly Placed<U>[]): (readonly Placed<U>[])[] {
  const repeats = repeatsOf(members);
  if (repeats === 0) return [members];
  for (const attribute of CANDIDATES) {
    const layers = layersOf(members, attribute);
    if (!layers || layers.length < 2) continue;
    const remaining = layers.reduce((sum, layer) => sum + repeatsOf(layer), 0);
    // What remains may differ in something else: a stack that is sorted out again is one stack.
    if (remaining <= MAY_REMAIN * repeats) return layers.flatMap(withoutRepeats);
  }
  return [members];
}

function repeatsOf(members: readonly Placed<Unit>[]): number {
  return members.length - new Set(members.map(({ place }) => place)).size;
}

/** Groups the values of an attribute: each joins the first layer of which it takes no place. */
function layersOf<U extends Unit>(members: readonly Placed<U>[], attribute: Attribute): Placed<U>[][] | undefined {
  const values = new Map<string | number, Placed<U>[]>();
  for (const member of members) {
    const value = attribute(member.unit);
    const there = values.get(value);
    if (there) there.push(member);
    else values.set(value, [member]);
  }
  if (values.size < 2) return undefined;
  const layers: { readonly places: Set<number>; readonly members: Placed<U>[] }[] = [];
  for (const group of values.values()) {
    let layer = layers.find(({ places }) => !group.some(({ place }) => places.has(place)));
    if (!layer) {
      if (layers.length === MOST_LAYERS) return undefined;
      layer = { places: new Set(), members: [] };
      layers.push(layer);
    }
    for (const member of group) {
      layer.places.add(member.place);
      layer.members.push(member);
    }
  }
  // Members of a layer back in the order in which they came.
  const rank = new Map(members.map((member, i) => [member, i]));
  return layers.map(({ members: mixed }) => mixed.sort((a, b) => rank.get(a)! - rank.get(b)!));
}
