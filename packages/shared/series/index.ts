/** Which images make a series, and which kind of series it is. */

export {
  type Assessment,
  REJECTIONS,
  type RejectedUnits,
  type Rejection,
  type Stack,
  type Unit,
} from './series-stack.ts';
