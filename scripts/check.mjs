// `npm run check`: runs all checks that need no test, also after one has failed, and says at the end which failed. Plain
// JavaScript, so that it starts under any Node.

import { spawnSync } from 'node:child_process';

const CHECKS = {
  typecheck: 'types',
  stages: 'every stage has its places outside TypeScript',
  'kernels:check': 'kernels.wasm is what its source gives',
  lint: 'faults, the order of imports, circles',
  'format:check': 'layout; `npm run format` mends it',
  unused: 'files, exports and dependencies that nobody uses',
};

const failed = Object.keys(CHECKS).filter((name) => {
  const { status } = spawnSync('npm', ['run', '--silent', name], { stdio: 'inherit' });
  return status !== 0;
});
for (const name of failed) console.error(`check failed: npm run ${name} (${CHECKS[name]})`);
process.exitCode = failed.length === 0 ? 0 : 1;
