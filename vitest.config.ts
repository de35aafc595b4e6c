import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';

/**
 * What `npm run test:unit` leaves out: tests that start a server or processes of spineline (`.server.test.ts`), and tests
 * that start other programs, such as Python, DCMTK or promtool (`.program.test.ts`).
 */
const STARTS = '**/*.{server,program}.test.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    // Vitest leaves a core free. Tests here wait for processes that they start as often as they compute.
    maxWorkers: Math.max(1, availableParallelism()),
    // Tests that import onnxruntime-node themselves are as silent as the workers (packages/shared/inference/no-telemetry.ts).
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{apps,packages}/**/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, STARTS],
          // A process runs many files: to load the modules anew for each of them takes longer than most of them run.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'programs',
          include: [`{apps,packages}/${STARTS}`, `test/${STARTS}`],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
