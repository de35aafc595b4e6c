import { spawnSync } from 'node:child_process';

/**
 * A Python that has some modules, or `undefined`. Debian's own comes first, since its packages go there. Modules are
 * looked for and not loaded: loading torch takes seconds.
 */
export function pythonWith(...modules: readonly string[]): string | undefined {
  const find = `from importlib.util import find_spec; import sys; sys.exit(not all(map(find_spec, ${JSON.stringify(modules)})))`;
  return ['/usr/bin/python3', 'python3'].find(
    (python) => spawnSync(python, ['-c', find], { stdio: 'ignore' }).status === 0,
  );
}
