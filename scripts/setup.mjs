// Sets up what a fresh clone lacks: the npm packages (among them a current Node), and a redis-server. Runs on any Node from 18 on,
// so it is plain JavaScript without dependencies. Says nothing when there is nothing to do.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = `${root}node_modules/.spineline-setup`;
const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.error('setting up: npm ci');
  // onnxruntime-node would download CUDA libraries while it is installed; who has a GPU asks for them (docs/cluster.md).
  const environment = { ONNXRUNTIME_NODE_INSTALL: 'skip', ...process.env };
  const { status, stdout, stderr } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    env: environment,
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.error(stdout, stderr);
    console.error(
      'npm ci failed; its own words are above. It needs the npm registry, and the folder must be writable.',
    );
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}

// From here on TypeScript, under the Node that was just installed.
const { status } = spawnSync(`${root}node_modules/.bin/node`, [`${root}scripts/ensure-redis.ts`], { stdio: 'inherit' });
process.exit(status ?? 1);
