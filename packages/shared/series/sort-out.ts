/**
 * Sorts the images of one entry of a dataset, a folder or a series, into stacks that are read and images that are not.
 * Pixels and the order of files play no role: the same images always give the same result.
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
  /** The kind in the dataset's table or manifest, as a person wrote it. */
  readonly described?: Kind | undefined;
  /** The description is trusted against the header: only hard grounds can reject an image. */
  readonly trusted?: boolean | undefined;
}

export interface SortedOut<U extends Unit> {
  /** In order of series number, series and position. Includes stacks of no scored kind; their assessment says why. */
  readonly stacks: Stack<U>[];
  /** Rejected images, by series and reason. */
  readonly rejected: RejectedUnits<U>[];
}

/** Sorts out the images of one entry. Takes linear time, except for sorting. */
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
          // The description is applied to the stacks that it can mean. Other stacks are assessed by their headers.
          assessment: means(one) ? assessDescribed(one.facts, described) : assessBeside(one.own, one.facts, described),
        })),
        rejected: rejectionsOf([...hard, ...soft]),
      };
    }
  }
  // There are no other images, or the description is trusted: images with soft grounds are the described ones.
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
  /** The assessment by the header alone. */
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

/** Series with images of one sequence in all three planes. That is a localizer, whatever its name. */
function threePlaneSeries(stacks: readonly { readonly seriesKey: string; readonly facts: StackFacts }[]): Set<string> {
  const series = new Map<string, { planes: Set<string>; timings: Set<string> }>();
  for (const { seriesKey, facts } of stacks) {
    if (!facts.plane) continue;
    const seen = series.get(seriesKey) ?? { planes: new Set(), timings: new Set() };
    seen.planes.add(facts.plane);
    seen.timings.add(facts.weighting.timing.text);
    series.set(seriesKey, seen);
  }
  // Without timing it could be a whole study to which an anonymiser gave one UID.
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
