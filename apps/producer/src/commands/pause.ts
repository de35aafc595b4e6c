/** `spineline pause` and `unpause`: the pools finish their jobs and take no new ones, until `unpause`. */

import { readSettings } from '@spineline/shared/config';
import { STAGE_NAMES, type Stage } from '@spineline/shared/domain';
import type { Queues } from '@spineline/shared/queue';
import { type Command, Option } from 'commander';
import { withQueues } from '../connections.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { parseStage, STAGE_NUMBERS_TEXT } from '../stage-option.ts';
import { out } from '../terminal/style.ts';

interface StageOption {
  readonly stage?: Stage;
}

const STAGE_OPTION = () =>
  new Option('--stage <n>', `only the pool of this stage: ${STAGE_NUMBERS_TEXT} (default: all)`).argParser(parseStage);

export function addPause(program: Command): void {
  program
    .command('pause')
    .description('pause the pools: workers finish their jobs and take no new ones, of any run')
    .addOption(STAGE_OPTION())
    .addHelpText(
      'after',
      `
Use it during maintenance of the store, the images or the GPUs. Jobs wait in Redis, the workers keep running, and new
runs can be enqueued. "spineline unpause" continues.
${EXIT_HELP}`,
    )
    .action((options: StageOption) => apply(options, (queues, stages) => queues.pause(stages)));
  program
    .command('unpause')
    .description('continue after a pause')
    .addOption(STAGE_OPTION())
    .addHelpText('after', EXIT_HELP)
    .action((options: StageOption) => apply(options, (queues, stages) => queues.unpause(stages)));
}

async function apply(
  { stage }: StageOption,
  change: (queues: Queues, stages: readonly Stage[]) => Promise<void>,
): Promise<void> {
  await withQueues(readSettings(), async ({ queues }) => {
    await change(queues, stage ? [stage] : STAGE_NAMES);
    const paused = await queues.paused();
    console.log(paused.length === 0 ? out.good('no pool is paused') : out.warn(`paused: ${paused.join(', ')}`));
  });
}
