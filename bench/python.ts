/** The Python of the benchmarks: a virtual environment with the exact packages of `peer/requirements*.txt`. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, installOnce, run } from '../packages/shared/test/support/install-once.ts';
import { beside, say } from './table.ts';

/**
 * The Python of an environment with the packages of the files. It is made once, in the cache of the user, outside this
 * repository.
 *
 * @param requirements names of files in `bench/peer`.
 * @throws {Error} with the reason why it cannot be made: no Python 3.11, no network, a package without a wheel.
 */
export async function pythonOf(...requirements: readonly string[]): Promise<string> {
  const files = requirements.map((name) => beside(`peer/${name}`));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const digest = createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `bench-python-${digest}`);
  const [python, complete] = [join(folder, 'bin/python'), join(folder, 'complete')];
  const missing = await installOnce({
    name: `bench-python-${digest}`,
    isThere: async () => existsSync(complete),
    async install(lock) {
      say(`making a virtual environment for ${requirements.join(', ')} in ${folder}`);
      await rm(folder, { recursive: true, force: true });
      const step = async (program: string, parameters: readonly string[]) => {
        const { code, output } = await run(program, parameters, { inherited: lock });
        if (code !== 0) throw new Error(output.split('\n').at(-1));
      };
      await step('python3', ['-m', 'venv', folder]);
      const quiet = ['--no-input', '--disable-pip-version-check', '--only-binary', ':all:'];
      await step(python, ['-m', 'pip', 'install', ...quiet, ...files.flatMap((file) => ['-r', file])]);
      await writeFile(complete, '');
    },
  });
  if (missing) throw new Error(missing);
  return python;
}
