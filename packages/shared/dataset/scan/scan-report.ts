/** The result of a scan in numbers, for the summary: what is read, what is not, and why. */

import type { Kind } from '../../domain/index.ts';
import type { Rejection } from '../../series/index.ts';
import type { LostStudy } from './lost-studies.ts';
import type { IdSource, NamedStudy } from './name-studies.ts';
import type { ScanSink } from './scan-sink.ts';
import type { SkipReason } from './skipped.ts';

export interface Count {
  readonly series: number;
  readonly images: number;
}

export interface ScanReport {
  readonly files: number;
  readonly bytesRead: number;
  readonly studies: number;
  /** `several` if one file holds stacks of different kinds. */
  readonly kept: { readonly [kind in Kind | 'several']?: Count };
  readonly rejected: { readonly [rejection in Rejection]?: Count };
  readonly skipped: { readonly [reason in SkipReason]?: number };
  /** Paths of some unreadable files, below the dataset's folder, without UIDs. */
  readonly lost: readonly string[];
  /** Ids of studies of which nothing is read. */
  readonly withoutSeries: readonly string[];
  readonly ids: IdSource;
}

export function reportOf(
  studies: readonly NamedStudy[],
  lost: readonly LostStudy[],
  sink: ScanSink,
  ids: IdSource,
): ScanReport {
  const kept = new Map<Kind | 'several', Count>();
  const rejected = new Map<Rejection, Count>();
  for (const study of studies) {
    for (const { kind, images } of study.series) count(kept, kind ?? 'several', images.length);
    for (const { rejection, images } of study.rejected) count(rejected, rejection, images.length);
  }
  return {
    files: sink.filesFound,
    bytesRead: sink.bytesRead,
    studies: studies.length + lost.length,
    kept: Object.fromEntries(kept),
    rejected: Object.fromEntries(rejected),
    skipped: sink.skipped.counts(),
    lost: sink.skipped.lost(),
    withoutSeries: [...studies.filter(({ series }) => series.length === 0), ...lost].map(({ study }) => study),
    ids,
  };
}

function count<Key>(counts: Map<Key, Count>, key: Key, images: number): void {
  const before = counts.get(key) ?? { series: 0, images: 0 };
  counts.set(key, { series: before.series + 1, images: before.images + images });
}
