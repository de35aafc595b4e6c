/**
 * Why a study has too few views to be scored: the content of the failure message as data. Series have the names that
 * the dataset gives them.
 */

import type { Flag } from './flags.ts';
import type { Kind } from './vocabulary.ts';

export interface MissingViews {
  /** Targets of a study: 25. */
  readonly targets: number;
  /** Names of the targets without any view. */
  readonly withoutView: readonly string[];
  /** Largest share of the targets that may have no view, 0 to 1. */
  readonly allowed: number;
  /**
   * The series that could be read, with their kinds. `used` is false if another series of the same kind was used
   * instead.
   */
  readonly series: readonly {
    readonly series: string;
    readonly kind: Kind;
    readonly used: boolean;
    readonly slices: number;
  }[];
  /** Images of no kind that is scored, and why. */
  readonly rejected: readonly {
    readonly series: string;
    readonly images: number;
    readonly rejection: string;
    readonly reason: string;
  }[];
  /** What is missing or could not be used: the first flag of each code, kind and series. */
  readonly flags: readonly Flag[];
}
