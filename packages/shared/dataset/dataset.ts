/** What every form of dataset, from a folder to a server, looks like once it is open. */

import type { Split } from './challenge-folder.ts';
import type { Identity, StudyScan } from './scan/scanned-dataset.ts';
import type { ScanProgress } from './scan/scan-sink.ts';
import type { ScanReport } from './scan/scan-report.ts';
import type { SkipReason } from './scan/skipped.ts';
import type { StudyEntry } from './study-entry.ts';

export interface DatasetOptions {
  /** Which half of a challenge folder; default: `test` where it is whole, otherwise `train`. */
  readonly split?: Split | undefined;
  /** Listings and look-ups under way at once; default 16. */
  readonly concurrency?: number | undefined;
  /** Local paths and locations that are not looked into, such as the output folder. */
  readonly excluded?: readonly string[] | undefined;
  /** Secret that pseudonyms are made with; see `SPINELINE_ID_KEY`. */
  readonly idKey?: string | undefined;
  /** Reads the headers of described images too, as `spineline manifest` does. */
  readonly headers?: boolean | undefined;
  readonly onScan?: ((progress: ScanProgress) => void) | undefined;
}

/** Counts by reason; reasons that did not occur are absent. */
export type SkippedCounts = { readonly [reason in SkipReason]?: number };

export interface Dataset {
  /** Absolute path or location of what was handed over. */
  readonly origin: string;
  readonly form: 'folder' | 's3' | 'dicomweb' | 'jsonl' | 'csv';
  /** The half of a challenge folder that is read; `undefined` for manifests and other folders. */
  readonly split: Split | undefined;
  readonly studyCount: number;
  /** Path of the challenge folder's `train.csv`, where it is there. */
  readonly labels: string | undefined;
  /** Path of the challenge folder's `train_label_coordinates.csv`, where it is there. */
  readonly coordinates: string | undefined;
  /** What the reader should know of how the dataset was understood, a sentence each. */
  readonly notes: readonly string[];
  /** What the scan came to, where there was one. */
  readonly scan: ScanReport | undefined;
  /** What is not read, complete once the studies were read. */
  skipped(): SkippedCounts;
  /**
   * The studies, always in the same order: a folder's by natural order of their ids, a manifest's as it has them.
   * May be called again; what was not scanned is then looked up again.
   */
  studies(): AsyncGenerator<StudyEntry>;
  /** What the scan knows of a study beside its entry; `undefined` where it was not scanned. */
  scanOf(study: string): StudyScan | undefined;
  /** Which ids stand for which UIDs, of what was scanned. */
  identities(): Iterable<Identity>;
}
