/**
 * Compiles packages/shared/imaging/kernels/kernels.ts to the kernels.wasm beside it.
 *
 *   npm run kernels           compiles
 *   npm run kernels:check     says whether kernels.wasm is what its source gives
 *
 * Only who changes the source needs the compiler, 102 MB: `npm ci --prefix scripts/kernels`. Without it, --check is
 * skipped. Source of the choice: docs/decisions/0028-kernels-in-webassembly.md.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMPILER = fileURLToPath(new URL('kernels/node_modules/assemblyscript/bin/asc.js', import.meta.url));
const FOLDER = fileURLToPath(new URL('../packages/shared/imaging/kernels', import.meta.url));
const INSTALL = 'npm ci --prefix scripts/kernels';

const OPTIONS = [
  ...['--optimizeLevel', '3', '--noAssert'],
  ...['--enable', 'simd'],
  // Kernels allocate nothing; their memory is that of the caller.
  ...['--runtime', 'stub', '--importMemory', '--noExportMemory', '--initialMemory', '1'],
];

function compile(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'spineline-kernels-'));
  try {
    const out = join(folder, 'kernels.wasm');
    const { status } = spawnSync(process.execPath, [COMPILER, 'kernels.ts', ...OPTIONS, '--outFile', out], {
      cwd: FOLDER,
      stdio: 'inherit',
    });
    if (status !== 0) throw new Error('the compiler failed: see above');
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const check = process.argv.includes('--check');
const target = join(FOLDER, 'kernels.wasm');
if (!existsSync(COMPILER)) {
  const need = `the compiler of the kernels is not installed: ${INSTALL}`;
  console.log(check ? `not checked: ${need}` : need);
  process.exitCode = check ? 0 : 1;
} else if (!check) {
  const bytes = compile();
  writeFileSync(target, bytes);
  console.log(`${bytes.length} bytes`);
} else if (!readFileSync(target).equals(compile())) {
  console.error('kernels.wasm is not what kernels.ts gives: npm run kernels');
  process.exitCode = 1;
}
