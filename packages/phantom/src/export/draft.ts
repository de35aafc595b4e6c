/**
 * A study while it is being made: series of images, each with what a reader of it must do. A draft knows no vendor, no
 * file and no number; these come when it is finished (`finish-study.ts`).
 */

import type { Kind } from '@spineline/shared/domain';
import type { Rejection } from '@spineline/shared/series';
import type { Sequence } from '../anatomy/tissue.ts';
import type { DicomDataset } from '../dicom-writer.ts';
import type { TransferSyntax } from '../transfer-syntaxes.ts';

/** What a reader must do with an image. */
export type Outcome =
  /** It may be read as this kind. `stack` tells apart stacks that share a series. */
  | { readonly read: Kind; readonly stack?: string }
  /** It is of this kind, and another stack of the study is the better one. */
  | { readonly alternative: Kind; readonly what: string }
  /** It must not be read. The first reason is the best one; the others are fair too. */
  | { readonly rejected: readonly [Rejection, ...Rejection[]]; readonly what: string }
  /** Its file is cut off within the pixels: it is part of a series that is read, and cannot be read itself. */
  | { readonly damaged: Kind; readonly what: string };

export interface ImageDraft {
  readonly outcome: Outcome;
  /** Attributes and pixels, made when the file is written. What is `undefined` in `header` is taken out. */
  readonly build: () => Promise<DicomDataset>;
  readonly header?: DicomDataset;
  /** For MR images, which get the vendor's own attributes; documents and captures have none. */
  readonly picture?: {
    readonly plane: 'sagittal' | 'axial' | 'coronal';
    readonly sequence: Sequence;
    readonly localizer?: boolean;
    readonly enhanced?: boolean;
  };
  readonly transferSyntax: TransferSyntax;
  /** Series and instance number in the plan of the study, for its labels. */
  readonly label?: { readonly series: string; readonly instance: number };
  /** InstanceNumber within the series, from 1 on; default the place in the series. */
  readonly instance?: number;
  readonly acquisition?: number;
  /** Only this share of the file's bytes is written. */
  readonly kept?: number;
}

export interface SeriesDraft {
  /** Unique in the study: its UID is made of it. */
  readonly name: string;
  /** SeriesDescription and ProtocolName. */
  readonly description: string;
  readonly header?: DicomDataset;
  readonly images: readonly ImageDraft[];
  /** Gets the first series number and the first place. */
  readonly first?: boolean;
  /** What the description contradicts, for `expected.json`. */
  readonly contradiction?: string;
}
