/** The option `--models stage3=bundle`, which can be given once per stage. */

import { Option } from 'commander';

/** @param whenLeftOut what a stage without a choice gets, for the help text. */
export function modelsOption(description: string, whenLeftOut: string): Option {
  return new Option('--models <stageN=bundle>', `${description}; repeatable`)
    .argParser((choice, before: readonly string[]) => [...before, choice])
    .default([], whenLeftOut);
}
