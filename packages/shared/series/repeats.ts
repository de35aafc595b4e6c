/**
 * Separates images at the same positions: echoes, dynamics, magnitude and phase. They are separated by the first
 * attribute that distinguishes nearly all repeats, or by the first pair of attributes if no single one does. If none
 * does, the repeats stay, and slice ordering keeps the lowest instance number.
 *
 * Images are separated only as far as needed. Values of an attribute at different positions, such as two acquisitions
 * with every other slice, stay one stack.
 */

import type { Unit } from './series-stack.ts';

/** An image with the number of its position (`places.ts`). */
export interface Placed<U extends Unit> {
  readonly unit: U;
  readonly place: number;
}

/** Largest share of the repeats that may remain, such as a slice that was acquired twice in one echo. */
const MAY_REMAIN = 0.1;
/** No series has so many stacks. An attribute with more values merely numbers the images. */
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

/** Single attributes, then pairs, for example for echoes of several dynamics. */
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
 * Splits images into stacks without repeats, as far as attributes distinguish them.
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
    // The remaining repeats may differ in another attribute. Repeated until nothing is split, so that sorting a stack
    // again gives that stack.
    if (remaining <= MAY_REMAIN * repeats) return layers.flatMap(withoutRepeats);
  }
  return [members];
}

function repeatsOf(members: readonly Placed<Unit>[]): number {
  return members.length - new Set(members.map(({ place }) => place)).size;
}

/**
 * Groups images by the values of an attribute. Each value joins the first layer in which all its positions are free.
 */
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
  // Restores the original order of the members of a layer.
  const rank = new Map(members.map((member, i) => [member, i]));
  return layers.map(({ members: mixed }) => mixed.sort((a, b) => rank.get(a)! - rank.get(b)!));
}
