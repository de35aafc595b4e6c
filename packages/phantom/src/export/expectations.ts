/** `expected.json`: the expected result for every file of an export. The README of this package describes it. */

import { posix } from 'node:path';
import { KINDS, type Kind } from '@spineline/shared/domain';
import type { Rejection } from '@spineline/shared/series';
import type { ImageDraft } from './draft.ts';
import type { ExportStudy } from './studies.ts';

/** Raised whenever the format of the file changes. */
export const EXPECTATIONS_SCHEMA = 'spineline.export-expectations/1';

export interface ExportExpectations {
  readonly schema: typeof EXPECTATIONS_SCHEMA;
  readonly notice: string;
  readonly generator: string;
  readonly version: number;
  readonly seed: number;
  readonly small: boolean;
  /** The folder, next to this file, that holds the export. Paths are relative to it, with `/`. */
  readonly root: string;
  readonly studies: readonly StudyExpectation[];
  /** Files that are part of no study. */
  readonly junk: readonly { readonly file: string; readonly what: string }[];
}

/** A stack that may be read: files of one series, in the order of their instance numbers or of their acquisition. */
export interface ExpectedStack {
  readonly seriesInstanceUid: string;
  readonly files: readonly string[];
}

export interface StudyExpectation {
  /** The row of the table of studies: unique among the first forty. */
  readonly name: string;
  readonly studyInstanceUid: string;
  readonly patientId: string;
  readonly vendor: string;
  readonly layout: string;
  /** The deepest folder that holds all files of the study; `.` would be the root. */
  readonly folder: string;
  readonly outcome: 'scored' | 'failed';
  /** The code with which the study fails, with the default settings. */
  readonly code?: 'STUDY_WITHOUT_SERIES' | 'STUDY_TOO_FEW_VIEWS';
  /**
   * Of several sagittal stacks of a kind one is read, of several axial ones all. Without an entry the kind is missing.
   */
  readonly kinds: Readonly<Partial<Record<Kind, readonly ExpectedStack[]>>>;
  /** Stacks of a kind that must not be read, since one in `kinds` is better. */
  readonly alternatives: readonly (ExpectedStack & { readonly kind: Kind; readonly what: string })[];
  /** Images that must not be read. The first reason is the best one; the others are acceptable. */
  readonly rejected: readonly (ExpectedStack & { readonly reasons: readonly Rejection[]; readonly what: string })[];
  /** Files of a stack in `kinds` that cannot be read; they are not among its files. */
  readonly damaged: readonly (ExpectedStack & { readonly kind: Kind; readonly what: string })[];
  /** Series whose description contradicts the header. */
  readonly contradictions: readonly { readonly seriesInstanceUid: string; readonly what: string }[];
}

/** A file of an export that is part of a study. */
export interface WrittenImage {
  readonly path: string;
  readonly image: ImageDraft;
  readonly series: {
    readonly name: string;
    readonly uid: string;
    readonly number: number;
    readonly contradiction: string | undefined;
  };
  readonly instance: number;
  readonly sopInstanceUid: string;
  readonly sopClassUid: string;
  readonly modality: string;
  readonly transferSyntaxUid: string;
}

/** The expected result for a study, from the outcomes of its images. */
export function expectationOf(
  row: ExportStudy,
  study: { readonly uid: string; readonly patientId: string },
  images: readonly WrittenImage[],
): StudyExpectation {
  const groups = grouped(images);
  const stacks = groups.map(([first, ...others]) => ({
    outcome: first!.image.outcome,
    stack: { seriesInstanceUid: first!.series.uid, files: [first!, ...others].map(({ path }) => path) },
  }));
  const kinds = Object.fromEntries(
    KINDS.flatMap((kind): [Kind, ExpectedStack[]][] => {
      const own = stacks.flatMap(({ outcome, stack }) => ('read' in outcome && outcome.read === kind ? [stack] : []));
      return own.length > 0 ? [[kind, own]] : [];
    }),
  ) as StudyExpectation['kinds'];
  const code = failureOf(kinds);
  return {
    name: row.name,
    studyInstanceUid: study.uid,
    patientId: study.patientId,
    vendor: row.vendor,
    layout: row.layout,
    folder: commonFolder(images.map(({ path }) => path)),
    outcome: code ? 'failed' : 'scored',
    ...(code && { code }),
    kinds,
    alternatives: stacks.flatMap(({ outcome, stack }) =>
      'alternative' in outcome ? [{ kind: outcome.alternative, what: outcome.what, ...stack }] : [],
    ),
    rejected: stacks.flatMap(({ outcome, stack }) =>
      'rejected' in outcome ? [{ reasons: outcome.rejected, what: outcome.what, ...stack }] : [],
    ),
    damaged: stacks.flatMap(({ outcome, stack }) =>
      'damaged' in outcome ? [{ kind: outcome.damaged, what: outcome.what, ...stack }] : [],
    ),
    contradictions: contradictionsOf(images),
  };
}

/** Images of one series with one outcome. */
function grouped(images: readonly WrittenImage[]): WrittenImage[][] {
  const groups = new Map<string, WrittenImage[]>();
  for (const image of images) {
    const key = JSON.stringify([image.series.uid, image.image.outcome]);
    groups.set(key, [...(groups.get(key) ?? []), image]);
  }
  return [...groups.values()];
}

/**
 * A study fails if more than half of the 25 targets have no view. Without a T2 series the axial slices cannot be used
 * either.
 */
function failureOf(kinds: StudyExpectation['kinds']): StudyExpectation['code'] {
  if (KINDS.every((kind) => !kinds[kind])) return 'STUDY_WITHOUT_SERIES';
  const axial = kinds.axial_t2 && kinds.sagittal_t2;
  const unseen = (kinds.sagittal_t2 ? 0 : 5) + (axial ? 0 : 10) + (kinds.sagittal_t1 || axial ? 0 : 10);
  return unseen > 12.5 ? 'STUDY_TOO_FEW_VIEWS' : undefined;
}

function commonFolder(paths: readonly string[]): string {
  let folder = posix.dirname(paths[0]!);
  while (folder !== '.' && !paths.every((path) => path.startsWith(`${folder}/`))) folder = posix.dirname(folder);
  return folder;
}

function contradictionsOf(images: readonly WrittenImage[]): StudyExpectation['contradictions'] {
  const found = new Map(images.map(({ series }) => [series.uid, series.contradiction]));
  return [...found].flatMap(([seriesInstanceUid, what]) => (what ? [{ seriesInstanceUid, what }] : []));
}
