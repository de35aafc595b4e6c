import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{apps,packages}/**/test/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    // Tests that import onnxruntime-node themselves are as silent as the workers (packages/shared/models/no-telemetry.ts).
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
