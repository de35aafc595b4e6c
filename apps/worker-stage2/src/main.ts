/** Starts a stage-2 worker; every setting comes from the environment (docs/configuration.md). */

import { runWorker } from '@spineline/shared/worker';
import { stage2Process } from './process.ts';

process.exit(await runWorker('stage2', stage2Process));
