#!/usr/bin/env node
// Plain JavaScript that any Node understands: spineline itself is TypeScript, which Node runs from 22.18 on. Under an
// older Node this hands over to the Node 24 that is among the installed packages.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  // Compiled code is kept beside the packages: a third less to start, for this command and the workers it starts.
  const cache = fileURLToPath(new URL('../../../node_modules/.cache/spineline-code', import.meta.url));
  const { directory } = module.enableCompileCache?.(cache) ?? {};
  if (directory) process.env.NODE_COMPILE_CACHE ??= directory;
  await import('../src/main.ts');
} else {
  const own = fileURLToPath(new URL('../../../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(own)) {
    console.error(
      `spineline needs Node 22.18 or newer (this is ${process.versions.node}); run \`npm install\` in its folder, which brings one`,
    );
    process.exit(2);
  }
  const { status } = spawnSync(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
