import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';

/** Tests that start a server, or processes of spineline. `npm run test:unit` leaves them out. */
const SERVER = '**/*.server.test.ts';

export default defineConfig({
  test: {
    include: ['{apps,packages}/**/test/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    // Vitest leaves a core free. Tests here wait for processes that they start as often as they compute.
    maxWorkers: Math.max(1, availableParallelism()),
    // Tests that import onnxruntime-node themselves are as silent as the workers (packages/shared/models/no-telemetry.ts).
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        // A process runs many files: to load the modules again for each would take longer than most files run.
        test: { name: 'unit', exclude: [...configDefaults.exclude, SERVER], isolate: false, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: { name: 'server', include: [SERVER], sequence: { groupOrder: 1 } },
      },
    ],
  },
});
