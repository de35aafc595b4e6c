#!/usr/bin/env -S node --max-semi-space-size=16
// Plain JavaScript that any Node understands. spineline itself needs Node 24; an older Node hands over to the Node 24 that
// the set-up of a clone installs (docs/decisions/0026-node-24.md). The option of the first line is also in package.json
// and in the Dockerfile: with it, `enqueue` of 100,000 studies needs 100 MB less memory and no more time (8 costs a third more CPU).

import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

if ('Float16Array' in globalThis) {
  // Compiled code is kept beside the packages: a third less to start, for this command and the workers it starts.
  const cache = fileURLToPath(new URL('../../../node_modules/.cache/spineline-code', import.meta.url));
  const { directory } = module.enableCompileCache?.(cache) ?? {};
  if (directory) process.env.NODE_COMPILE_CACHE ??= directory;
  await import('../src/main.ts');
} else {
  const launcher = new URL('../../../scripts/suitable-node.mjs', import.meta.url);
  if (!existsSync(launcher)) {
    console.error(`spineline needs Node 24 or newer, and this is ${process.versions.node}`);
    process.exit(2);
  }
  const { runUnderSuitableNode } = await import(launcher.href);
  runUnderSuitableNode(fileURLToPath(import.meta.url), process.argv.slice(2));
}
