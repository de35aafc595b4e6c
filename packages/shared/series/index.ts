/** Which images make a series, and which kind of series it is. */

export { comparePreference, type Preference, type Preferred, whyPreferred } from './preference.ts';
export {
  type Assessment,
  REJECTIONS,
  type RejectedUnits,
  type Rejection,
  type Stack,
  type Unit,
} from './series-stack.ts';
export { type SortedOut, type SortOutOptions, sortOut } from './sort-out.ts';
