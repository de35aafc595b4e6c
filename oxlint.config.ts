/** What `npm run lint` looks for. Types are checked by `npm run typecheck`, unused exports by `npm run unused`. */

import { defineConfig, type OxlintOverride } from 'oxlint';
import { ROOMS } from './scripts/rooms.ts';

/** The order of imports (docs/architecture.md, "Rooms and the order of imports"). */
const importOrder = ROOMS.flatMap((row, place) =>
  row.map(({ name }): OxlintOverride => {
    const allowed = new Set(ROOMS.slice(0, place).flatMap((earlier) => earlier.map((room) => room.name)));
    const refused = ROOMS.flat().filter((room) => room.name !== name && !allowed.has(room.name));
    const rooms = refused.map((room) => room.name).join('|');
    return {
      files: [`packages/shared/${name}/**`],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              {
                regex: `^(\\.\\./)+(${rooms})/`,
                message: `${name}/ imports only from rooms of earlier rows: scripts/rooms.ts`,
              },
              {
                regex: '^(\\.\\./)+(apps|phantom)/|^@spineline/|^spineline',
                message: 'no room imports from an app or a package',
              },
            ],
          },
        ],
      },
    };
  }),
);

/** Support of tests that start servers or processes of spineline. */
const SERVER_SUPPORT = [
  'redis-server|queue-rig|orthanc|s3-server|s3-conformance|s3-servers|web-server|fault-proxy|guarded-process|leash',
  'certificates|free-port|debian-packages|python-program|install-once|deployment|prometheus|spineline-command|trace-collector|worker',
].join('|');

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'node', 'promise', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { denyWarnings: true, reportUnusedDisableDirectives: 'error' },
  ignorePatterns: [
    '/models',
    '/training',
    'deploy/prometheus/tests',
    'packages/shared/imaging/kernels/kernels.ts', // AssemblyScript
  ],
  rules: {
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/first': 'error',
    'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
    'typescript/no-import-type-side-effects': 'error',
    'unicorn/prefer-node-protocol': 'error',

    'no-unused-vars': [
      'error',
      { args: 'after-used', argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
    ],
    'no-var': 'error',
    'prefer-const': 'error',
    'no-cond-assign': 'error',
    'no-else-return': 'error',
    'no-fallthrough': 'error',
    'no-param-reassign': 'error',
    'no-self-compare': 'error',
    'no-throw-literal': 'error',
    'no-unneeded-ternary': 'error',
    'no-useless-return': 'error',
    'object-shorthand': 'error',
    'prefer-exponentiation-operator': 'error',
    'prefer-rest-params': 'error',
    'prefer-spread': 'error',
    'prefer-template': 'error',
    eqeqeq: 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-inferrable-types': 'error',
    'typescript/prefer-function-type': 'error',
    'unicorn/no-static-only-class': 'error',
    'unicorn/throw-new-error': 'error',
    'unicorn/prefer-array-flat-map': 'error',
    'promise/no-return-wrap': 'error',
    'vitest/no-focused-tests': 'error',
    'vitest/no-identical-title': 'error',
    // A message is the second argument of `expect`, and titles may be put together.
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
    'vitest/valid-title': ['error', { ignoreTypeOfDescribeName: true, ignoreTypeOfTestName: true }],

    // These refuse what is right here: a function beside its only use, an array that is sorted in place because nobody else
    // has it, checks of a test in hooks and in functions.
    'import/no-unassigned-import': ['error', { allow: ['**/no-telemetry.ts'] }], // its effect is what it is for
    'no-new': 'off',
    'no-shadow': 'off',
    'no-unmodified-loop-condition': 'off',
    'promise/always-return': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-array-fill-with-reference-type': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-new-array': 'off',
    'unicorn/no-useless-spread': 'off',
    'unicorn/require-post-message-target-origin': 'off', // of a window; threads have no origin
    'vitest/expect-expect': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/no-standalone-expect': 'off',
    'vitest/valid-describe-callback': 'off',
  },
  overrides: [
    ...importOrder,
    {
      files: ['**/test/**/*.test.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              {
                regex: `/support/(${SERVER_SUPPORT})(\\.ts|/)`,
                message: 'a unit test starts no server: *.server.test.ts',
              },
            ],
          },
        ],
      },
    },
    { files: ['**/*.{server,program}.test.ts'], rules: { 'no-restricted-imports': 'off' } },
    {
      files: ['apps/worker-*/**'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              { regex: '^@spineline/worker-|^spineline', message: 'a worker imports from packages/shared only' },
            ],
          },
        ],
      },
    },
  ],
});
