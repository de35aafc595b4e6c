/** Starts a stage-3 worker; every setting comes from the environment (docs/configuration.md). */

import { runWorker } from '@spineline/shared/worker';
import { stage3Process } from './process.ts';

process.exit(await runWorker('stage3', stage3Process));
