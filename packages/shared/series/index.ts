/** Which images make a series, and which kind of series it is. */

export { type Preferred, comparePreference, whyPreferred } from './preference.ts';
export {
  type Assessment,
  REJECTIONS,
  type RejectedUnits,
  type Rejection,
  type Stack,
  type Unit,
} from './series-stack.ts';
export { sortOut } from './sort-out.ts';
