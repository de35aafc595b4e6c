/**
 * A study while it is made: series of images, each with what a reader must do with it. A draft has no vendor, files and
 * numbers yet; `write-study.ts` adds them.
 */

import type { Kind } from '@spineline/shared/domain';
import type { Rejection } from '@spineline/shared/series';
import type { Sequence } from '../anatomy/tissue.ts';
import type { DicomDataset } from '../dicom-writer.ts';
import type { TransferSyntax } from '../transfer-syntaxes.ts';

/** What a reader must do with an image. */
export type Outcome =
  /** It may be read as this kind. `stack` distinguishes stacks within a series. */
  | { readonly read: Kind; readonly stack?: string }
  /** It is of this kind, but another stack of the study is better. */
  | { readonly alternative: Kind; readonly what: string }
  /** It must not be read. The first reason is the best one; the others are acceptable. */
  | { readonly rejected: readonly [Rejection, ...Rejection[]]; readonly what: string }
  /** Its file is cut off within the pixels. It belongs to a series that is read, but cannot be read itself. */
  | { readonly damaged: Kind; readonly what: string };

export interface ImageDraft {
  readonly outcome: Outcome;
  /** Attributes and pixels, made when the file is written. Attributes that are `undefined` in `header` are removed. */
  readonly build: () => Promise<DicomDataset>;
  readonly header?: DicomDataset;
  /** Only for MR images, which get the vendor's attributes; documents and captures have none. */
  readonly picture?: {
    readonly plane: 'sagittal' | 'axial' | 'coronal';
    readonly sequence: Sequence;
    readonly localizer?: boolean;
    readonly enhanced?: boolean;
  };
  readonly transferSyntax: TransferSyntax;
  /** Series and instance number in the plan of the study, for its labels. */
  readonly label?: { readonly series: string; readonly instance: number };
  /** InstanceNumber within the series, from 1; default: the position in the series. */
  readonly instance?: number;
  readonly acquisition?: number;
  /** Only this share of the file's bytes is written. */
  readonly kept?: number;
}

export interface SeriesDraft {
  /** Unique in the study; its UID is derived from it. */
  readonly name: string;
  /** SeriesDescription and ProtocolName. */
  readonly description: string;
  readonly header?: DicomDataset;
  readonly images: readonly ImageDraft[];
  /** The series comes first and gets the first series number. */
  readonly first?: boolean;
  /** The contradiction in the description, for `expected.json`. */
  readonly contradiction?: string;
}
