/** Stages on the command line: `--stage 2`, `--stages 1,2`. */

import { STAGE_NUMBERS, type Stage, stageOfNumber } from '@spineline/shared/domain';
import { InvalidArgumentError } from 'commander';

/** `1, 2 or 3`, for help texts and errors. */
export const STAGE_NUMBERS_TEXT = STAGE_NUMBERS.join(', ').replace(/, (\d+)$/, ' or $1');

/** Parses the number of a stage. @throws {InvalidArgumentError} for anything else. */
export function parseStage(text: string): Stage {
  const stage = /^\d+$/.test(text) ? stageOfNumber(Number(text)) : undefined;
  if (stage) return stage;
  throw new InvalidArgumentError(`Expected ${STAGE_NUMBERS_TEXT}.`);
}
