/** Starts a stage-3 worker. All settings come from the environment (docs/configuration.md). */

import { runWorker } from '@spineline/shared/worker';
import { stage3Process } from './process.ts';

process.exit(await runWorker('stage3', stage3Process));
