/**
 * What `npm run unused` looks for: files, exports and dependencies that nobody uses. It runs twice: over everything, and
 * with --production without the tests (over the patterns that end in `!`), which finds what only tests use.
 */

import type { KnipConfig } from 'knip';

type Options = { readonly production?: boolean };

/** A package: its entry points are in its package.json, its tests in test/. */
const PACKAGE = { entry: ['test/**/*.test.ts'], project: ['**/*.{ts,js}!', '!test/**!'] };

const config = ({ production = false }: Options): KnipConfig => ({
  // Also what an index.ts or another entry point exports must be imported by somebody.
  includeEntryExports: true,
  // A type may be exported for what an exported function takes or returns, and what a file uses itself for its tests.
  ignoreExportsUsedInFile: production || { interface: true, type: true },
  treatConfigHintsAsErrors: true,
  // Programs of the system (redis-server, openssl, promtool) are in no package.json.
  exclude: ['binaries'],
  workspaces: {
    '.': {
      entry: [
        'bench/*.{ts,mjs}!',
        'scripts/*.{ts,mjs}!',
        'deploy/grafana/generate.ts!',
        '.ci/*.mjs!',
        'test/*.test.ts',
      ],
      project: ['{bench,scripts,deploy,.ci}/**/*.{ts,mjs}!', 'test/**/*.ts'],
      ignoreDependencies: [
        // Started by scripts/with-node.mjs.
        'oxfmt',
        'typescript-compiler',
        // Types that test/dashboards.program.test.ts has the compiler check the dashboards against.
        '@grafana/schema',
        // Stands in for a package of onnxruntime-node: see scripts/no-cuda-download.
        'global-agent',
      ],
    },
    'packages/phantom': PACKAGE,
    'packages/shared': {
      ...PACKAGE,
      // AssemblyScript, compiled by scripts/build-kernels.ts.
      ignoreFiles: ['imaging/kernels/kernels.ts'],
    },
    // It finds the workers' programs by the name of their stage.
    'apps/producer': { ...PACKAGE, ignoreDependencies: [/^@spineline\/worker-stage\d$/] },
    'apps/worker-*': { project: ['**/*.ts!'] },
  },
});

export default config;
