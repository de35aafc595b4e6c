/**
 * From the images of one entry of a dataset, a folder or a series, to the stacks that are read and the images that are not.
 * Nothing here looks at pixels or at the order of files: the same images always come to the same end.
 */

import type { Kind } from '../domain/index.ts';
import { assessBeside, assessDescribed, assessHeader, assessTrusted, isForeignTo, planeOfKind } from './assess.ts';
import { type Ground, groundOf } from './foreign-images.ts';
import type { Assessment, RejectedUnits, Stack, Unit } from './series-stack.ts';
import { splitStacks } from './split-stacks.ts';
import { factsOfStack, type StackFacts } from './stack-facts.ts';
import { Texts } from './texts.ts';
import { inOrder, seriesKeyOf } from './unit-order.ts';

export interface SortOutOptions {
  /** What a person wrote of the entry, in the dataset's table or manifest. */
  readonly described?: Kind | undefined;
  /** The person overruled what the header says: only hard grounds count against the description. */
  readonly trusted?: boolean | undefined;
}

export interface SortedOut<U extends Unit> {
  /** In order of series number, series and place; also stacks of no kind, whose assessment says why. */
  readonly stacks: Stack<U>[];
  /** Foreign images, by series and reason. */
  readonly rejected: RejectedUnits<U>[];
}

/** Sorts out the images of one entry; linear in their number but for sorting. */
export function sortOut<U extends Unit>(units: readonly U[], options: SortOutOptions = {}): SortedOut<U> {
  const texts = new Texts();
  const { slices, soft, hard } = byGround(inOrder(units), texts);
  const { described, trusted } = options;
  if (described === undefined) {
    const stacks = stacksOf(slices, texts).map(({ units: members, own }) => ({ units: members, assessment: own }));
    return { stacks, rejected: rejectionsOf([...hard, ...soft]) };
  }
  if (!trusted) {
    const stacks = stacksOf(slices, texts);
    const means = (one: ReadStack<U>) => !isForeignTo(one.own, one.facts, described);
    if (stacks.some(means)) {
      return {
        stacks: stacks.map((one) => ({
          units: one.units,
          // The description speaks of the stacks that can be meant; what lies beside them is by its own header.
          assessment: means(one) ? assessDescribed(one.facts, described) : assessBeside(one.own, one.facts, described),
        })),
        rejected: rejectionsOf([...hard, ...soft]),
      };
    }
  }
  // Nothing else is there, or a person insists: foreign images are what was described.
  const stacks = stacksOf([...slices, ...soft.map(({ unit }) => unit)], texts);
  const inPlane = ({ facts }: ReadStack<U>) => facts.plane === undefined || facts.plane === planeOfKind(described);
  const some = stacks.some(inPlane);
  return {
    stacks: stacks.map((one) => ({
      units: one.units,
      assessment:
        some && !inPlane(one) ? assessBeside(one.own, one.facts, described) : insisted(one.facts, described, trusted),
    })),
    rejected: rejectionsOf(hard),
  };
}

function insisted(facts: StackFacts, described: Kind, trusted: boolean | undefined): Assessment {
  return trusted ? assessTrusted(facts, described) : assessDescribed(facts, described);
}

interface Grounded<U> {
  readonly unit: U;
  readonly ground: Ground;
}

function byGround<U extends Unit>(units: readonly U[], texts: Texts) {
  const slices: U[] = [];
  const soft: Grounded<U>[] = [];
  const hard: Grounded<U>[] = [];
  for (const unit of units) {
    const ground = groundOf(unit.facts, texts);
    if (!ground) slices.push(unit);
    else (ground.hard ? hard : soft).push({ unit, ground });
  }
  return { slices, soft, hard };
}

interface ReadStack<U extends Unit> {
  readonly units: readonly U[];
  readonly facts: StackFacts;
  /** By its header alone. */
  readonly own: Assessment;
}

function stacksOf<U extends Unit>(units: readonly U[], texts: Texts): ReadStack<U>[] {
  const stacks = splitStacks(units).map((stack) => ({ ...stack, facts: factsOfStack(stack, texts) }));
  const localizers = threePlaneSeries(stacks);
  return stacks.map(({ units: members, seriesKey, facts: found }) => {
    const facts = localizers.has(seriesKey) ? { ...found, ground: found.ground ?? THREE_PLANES } : found;
    return { units: members, facts, own: assessHeader(facts) };
  });
}

const THREE_PLANES: Ground = {
  rejection: 'localizer',
  reason: 'sagittal, axial and coronal images of one sequence in one series',
  hard: false,
};

/** Series of which one sequence made images in all three planes: a localizer, whatever it is called. */
function threePlaneSeries(stacks: readonly { readonly seriesKey: string; readonly facts: StackFacts }[]): Set<string> {
  const series = new Map<string, { planes: Set<string>; timings: Set<string> }>();
  for (const { seriesKey, facts } of stacks) {
    if (!facts.plane) continue;
    const seen = series.get(seriesKey) ?? { planes: new Set(), timings: new Set() };
    seen.planes.add(facts.plane);
    seen.timings.add(facts.weighting.timing.text);
    series.set(seriesKey, seen);
  }
  // Without timing this could be a whole study to which an anonymiser gave one UID.
  return new Set(
    [...series]
      .filter(([, { planes, timings }]) => planes.size === 3 && timings.size === 1 && !timings.has(''))
      .map(([key]) => key),
  );
}

function rejectionsOf<U extends Unit>(foreign: readonly Grounded<U>[]): RejectedUnits<U>[] {
  const groups = new Map<string, { units: U[]; ground: Ground }>();
  for (const { unit, ground } of foreign) {
    const key = `${seriesKeyOf(unit)}\0${ground.rejection}\0${ground.reason}`;
    const there = groups.get(key);
    if (there) there.units.push(unit);
    else groups.set(key, { units: [unit], ground });
  }
  return [...groups.values()].map(({ units, ground }) => ({
    units,
    rejection: ground.rejection,
    reason: ground.reason,
  }));
}
