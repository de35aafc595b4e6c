/**
 * Why a study has too few views to be scored: what a failure says of it beside its message, for programs. Series are
 * called as the dataset calls them.
 */

import type { Flag } from './flags.ts';
import type { Kind } from './vocabulary.ts';

export interface MissingViews {
  /** Targets of a study: 25. */
  readonly targets: number;
  /** Names of those without any view. */
  readonly withoutView: readonly string[];
  /** Largest share of them that was allowed, 0 to 1. */
  readonly allowed: number;
  /** The series that could be read, and as what; `used` is false for one that another of its kind stood in for. */
  readonly series: readonly {
    readonly series: string;
    readonly kind: Kind;
    readonly used: boolean;
    readonly slices: number;
  }[];
  /** Images that are of no kind that is scored, and why. */
  readonly rejected: readonly {
    readonly series: string;
    readonly images: number;
    readonly rejection: string;
    readonly reason: string;
  }[];
  /** What is missing or could not be used: of each code, kind and series the first flag. */
  readonly flags: readonly Flag[];
}
