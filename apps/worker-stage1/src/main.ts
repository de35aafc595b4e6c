/** Starts a stage-1 worker. All settings come from the environment (docs/configuration.md). */

import { runWorker } from '@spineline/shared/worker';
import { stage1Process } from './process.ts';

process.exit(await runWorker('stage1', stage1Process));
