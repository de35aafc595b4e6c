/** The process of `gpu.ts` that finds out if an execution provider starts here. */

import { once } from 'node:events';
import { checkExecutionProvider, prepareExecutionProvider } from '@spineline/shared/inference';
import type { ProviderSettings } from '../packages/shared/inference/execution-provider.ts';
import type { MemberFigures } from './gpu-figures.ts';

const [settings] = (await once(process, 'message')) as [ProviderSettings];
let answer: MemberFigures = { done: true };
try {
  prepareExecutionProvider(settings);
  await checkExecutionProvider(settings);
} catch (error) {
  answer = { failure: error instanceof Error ? error.message : String(error) };
}
process.send!(answer);
process.disconnect();
