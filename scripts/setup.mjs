// Sets up what a fresh clone lacks: a Node that runs spineline, the npm packages, and a redis-server. With --omit=dev it
// leaves out what only development needs, with --no-tests what only `npm test` needs, with --no-redis the redis-server. Says nothing when there is nothing
// to do. Plain JavaScript without dependencies, for any Node from 18 on.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentOf, IS_SUITABLE, PACKAGED_NODE, suitableNode } from './suitable-node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const omitted = process.argv.slice(2).filter((word) => word === '--omit=dev');

if (!IS_SUITABLE && hasPackagedNode()) {
  install('scripts/node', 'npm ci in scripts/node, which brings Node 24');
  // Headers for native code, which nobody compiles here: 67 MB.
  rmSync(`${PACKAGED_NODE}/include`, { recursive: true, force: true });
}
const node = suitableNode();
if (!node) {
  console.error(`spineline needs Node 24 or newer, and this is ${process.versions.node}: install a newer one`);
  process.exit(2);
}
install('.', 'npm ci', omitted);
// Only tests need these: `npm start` leaves them out.
if (omitted.length === 0 && !process.argv.includes('--no-tests')) {
  install('test/manifest-schemas', 'npm ci in test/manifest-schemas');
}

if (process.argv.includes('--no-redis')) process.exit();
const { status } = spawnSync(node, [`${root}scripts/ensure-redis.ts`], { stdio: 'inherit', env: environmentOf(node) });
process.exit(status ?? 1);

/** Whether there is a package of Node for this machine. */
function hasPackagedNode() {
  const { optionalDependencies } = JSON.parse(readFileSync(`${root}scripts/node/package.json`, 'utf8'));
  return basename(PACKAGED_NODE) in optionalDependencies;
}

/** Installs the packages of a folder's package-lock.json, unless they are there. */
function install(folder, what, flags = []) {
  const path = `${root}${folder}`;
  const lock = createHash('sha256')
    .update(readFileSync(`${path}/package-lock.json`))
    .update(flags.join(' '))
    .digest('hex');
  const stamp = `${path}/node_modules/.spineline-setup`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error(`setting up: ${what}`);
  // Under the Node that will run the packages: npm warns about those that need a newer one than this.
  const env = environmentOf(suitableNode() ?? process.execPath);
  const { status, stdout, stderr } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', ...flags], {
    cwd: path,
    env,
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.error(stdout, stderr);
    console.error(`${what} failed; npm says why above. It needs the npm registry, and the folder must be writable.`);
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
