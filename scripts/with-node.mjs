// Runs a program under a Node that runs TypeScript (suitable-node.mjs):
//
//   node scripts/with-node.mjs vitest run              a program of node_modules/.bin
//   node scripts/with-node.mjs scripts/doc-tables.ts   a file

import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runUnderSuitableNode } from './suitable-node.mjs';

const [program, ...parameters] = process.argv.slice(2);
if (!program) {
  console.error('usage: node scripts/with-node.mjs PROGRAM [ARGUMENT ...]');
  process.exit(2);
}
const isFile = /\.[cm]?[jt]s$/.test(program);
const path = isFile ? program : fileURLToPath(new URL(`../node_modules/.bin/${program}`, import.meta.url));
if (!existsSync(path)) {
  console.error(isFile ? `there is no file ${program}` : `${program} is not installed: run \`npm run setup\``);
  process.exit(2);
}
runUnderSuitableNode(realpathSync(path), parameters);
