/** Starts a stage-2 worker. All settings come from the environment (docs/configuration.md). */

import { runWorker } from '@spineline/shared/worker';
import { stage2Process } from './process.ts';

process.exit(await runWorker('stage2', stage2Process));
