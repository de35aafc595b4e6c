/** The interface of an open dataset, whether folder, bucket, server or manifest. */

import type { Split } from './challenge-folder.ts';
import type { ScanReport } from './scan/scan-report.ts';
import type { ScanProgress } from './scan/scan-sink.ts';
import type { Identity, StudyScan } from './scan/scanned-dataset.ts';
import type { SkipReason } from './scan/skipped.ts';
import type { StudyEntry } from './study-entry.ts';

export interface DatasetOptions {
  /** Which half of a challenge folder. Default: `test` if it is complete, otherwise `train`. */
  readonly split?: Split | undefined;
  /** Concurrent listings and look-ups; default 16. */
  readonly concurrency?: number | undefined;
  /** Local paths and locations that are skipped, such as the output folder. */
  readonly excluded?: readonly string[] | undefined;
  /** Secret key for pseudonyms; see `SPINELINE_ID_KEY`. */
  readonly idKey?: string | undefined;
  /** Reads the headers of described images too, as `spineline manifest` does. */
  readonly headers?: boolean | undefined;
  readonly onScan?: ((progress: ScanProgress) => void) | undefined;
}

/** Counts by reason; reasons that did not occur are absent. */
export type SkippedCounts = { readonly [reason in SkipReason]?: number };

export interface Dataset {
  /** Absolute path or location of the dataset, as the user gave it. */
  readonly origin: string;
  readonly form: 'folder' | 's3' | 'dicomweb' | 'jsonl' | 'csv';
  /** The half of a challenge folder that is read; `undefined` for manifests and other folders. */
  readonly split: Split | undefined;
  readonly studyCount: number;
  /** Path of the challenge folder's `train.csv`, if it exists. */
  readonly labels: string | undefined;
  /** Path of the challenge folder's `train_label_coordinates.csv`, if it exists. */
  readonly coordinates: string | undefined;
  /** Notes for the reader on how the dataset was interpreted, one sentence each. */
  readonly notes: readonly string[];
  /** The report of the scan, if there was one. */
  readonly scan: ScanReport | undefined;
  /** Counts of files that are not read. Complete after all studies were read. */
  skipped(): SkippedCounts;
  /**
   * The studies, always in the same order: for a folder by natural order of ids, for a manifest in its order. If called
   * again, studies that were not scanned are looked up again.
   */
  studies(): AsyncGenerator<StudyEntry>;
  /** What the scan knows about a study in addition to its entry; `undefined` if it was not scanned. */
  scanOf(study: string): StudyScan | undefined;
  /** Which ids stand for which UIDs, for scanned studies. */
  identities(): Iterable<Identity>;
}
