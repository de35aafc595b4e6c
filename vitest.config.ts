import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

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
  },
});
