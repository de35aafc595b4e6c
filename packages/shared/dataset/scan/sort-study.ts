/** Decides which images of a study are read, as which series, and which are not: `sortOut` for each of its series. */

import type { Kind } from '../../domain/index.ts';
import { type Assessment, type Rejection, sortOut, type Unit } from '../../series/index.ts';
import type { Descriptions, SeriesGroup, StudyGroup } from './group-studies.ts';
import type { ImageTable, ScannedImage } from './image-table.ts';

/** One stack, or several stacks that share files. */
export interface KeptStack {
  readonly group: SeriesGroup;
  /** `undefined` if stacks of several kinds are in the same files: stage 1 separates them. */
  readonly kind: Kind | undefined;
  readonly reasons: readonly string[];
  readonly images: readonly ScannedImage[];
}

export interface RejectedImages {
  readonly group: SeriesGroup;
  readonly kind: Kind | undefined;
  readonly rejection: Rejection;
  readonly reason: string;
  readonly images: readonly ScannedImage[];
}

export interface SortedStudy {
  readonly group: StudyGroup;
  readonly kept: readonly KeptStack[];
  readonly rejected: readonly RejectedImages[];
}

interface ScannedUnit extends Unit {
  readonly image: ScannedImage;
}

export function sortStudy(group: StudyGroup, table: ImageTable, descriptions?: Descriptions): SortedStudy {
  const kept: KeptStack[] = [];
  const rejected: RejectedImages[] = [];
  for (const series of group.series) {
    const described =
      series.described === undefined ? undefined : descriptions?.get(group.described!)?.get(series.described)?.kind;
    const damaged = series.images.filter(({ damage }) => damage !== undefined);
    const whole = series.images.filter(({ damage }) => damage === undefined);
    const units = whole.flatMap((image): ScannedUnit[] => {
      const facts = table.factsOf(image);
      const frames = facts.frames.length > 0 ? facts.frames : [{}];
      return frames.map((frame) => ({ facts, frame, image }));
    });
    const sorted = sortOut(units, described && { described });
    const stacks: Stack[] = [];
    const foreign: Omit<RejectedImages, 'group'>[] = sorted.rejected.map(({ units: out, rejection, reason }) => ({
      images: imagesOf(out),
      rejection,
      reason,
      kind: undefined,
    }));
    for (const { units: stack, assessment } of sorted.stacks) {
      if (assessment.kind) stacks.push({ images: imagesOf(stack), assessment });
      else foreign.push({ images: imagesOf(stack), ...rejectionOf(assessment) });
    }
    const own = joinSharing(stacks).map((stack) => ({ group: series, ...stack }));
    // A damaged file is added to the largest stack of its series. Stage 1 opens it again and flags what is wrong.
    const most = own.reduce<(typeof own)[0] | undefined>(
      (best, one) => (best && best.images.length >= one.images.length ? best : one),
      undefined,
    );
    if (most) most.images = [...most.images, ...damaged];
    else if (damaged.length > 0) {
      const reason = `${damaged.length === 1 ? 'a file is' : `${damaged.length} files are`} damaged: ${damaged[0]!.damage}`;
      foreign.push({ images: damaged, rejection: 'kind_unknown', reason, kind: undefined });
    }
    kept.push(...own);
    // Frames of a multi-frame file may be both in a stack and rejected. Then the file is read, and stage 1 leaves
    // frames out.
    const taken = new Set(own.flatMap(({ images }) => images));
    for (const one of joinAlike(foreign)) {
      const images = one.images.filter((image) => !taken.has(image));
      if (images.length > 0) rejected.push({ group: series, ...one, images });
    }
  }
  return { group, kept, rejected };
}

interface Stack {
  readonly images: readonly ScannedImage[];
  readonly assessment: Assessment;
}

function imagesOf(units: readonly ScannedUnit[]): ScannedImage[] {
  return [...new Set(units.map(({ image }) => image))];
}

function rejectionOf({ rejection, reasons }: Assessment) {
  return { rejection: rejection ?? ('kind_unknown' as const), reason: reasons.join('; '), kind: undefined };
}

/** Joins stacks that share files, since a file cannot be in two series of a study. */
function joinSharing(
  stacks: readonly Stack[],
): (Omit<KeptStack, 'group' | 'images'> & { images: readonly ScannedImage[] })[] {
  const joined: { images: Set<ScannedImage>; stacks: Stack[] }[] = [];
  for (const stack of stacks) {
    const sharing = joined.filter(({ images }) => stack.images.some((image) => images.has(image)));
    const into = sharing[0] ?? { images: new Set(), stacks: [] };
    if (sharing.length === 0) joined.push(into);
    for (const other of sharing.slice(1)) {
      for (const image of other.images) into.images.add(image);
      into.stacks.push(...other.stacks);
      joined.splice(joined.indexOf(other), 1);
    }
    for (const image of stack.images) into.images.add(image);
    into.stacks.push(stack);
  }
  return joined.map(({ images, stacks: [first, ...more] }) => {
    const { kind } = first!.assessment;
    if (more.length === 0) return { images: [...images], kind, reasons: reasonsOf(first!.assessment) };
    const same = more.every(({ assessment }) => assessment.kind === kind);
    const reason = `its files hold ${more.length + 1} stacks each, which stage 1 tells apart`;
    return { images: [...images], kind: same ? kind : undefined, reasons: [reason] };
  });
}

function reasonsOf({ reasons, contradictions }: Assessment): string[] {
  return [...reasons, ...contradictions];
}

/** Joins images of a series that are rejected for the same reason into one entry of the manifest. */
function joinAlike(rejected: readonly Omit<RejectedImages, 'group'>[]): Omit<RejectedImages, 'group'>[] {
  const alike = new Map<string, Omit<RejectedImages, 'group'> & { images: ScannedImage[] }>();
  for (const one of rejected) {
    const key = `${one.rejection} ${one.kind} ${one.reason}`;
    const before = alike.get(key);
    if (before) before.images.push(...one.images);
    else alike.set(key, { ...one, images: [...one.images] });
  }
  return [...alike.values()].map((one) => ({ ...one, images: [...new Set(one.images)] }));
}
