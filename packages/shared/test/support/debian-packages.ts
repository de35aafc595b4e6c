/** Debian packages that tests use. They are installed if the tests run as root. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { installOnce, run } from './install-once.ts';

/**
 * Installs the packages if they are missing. @returns why they are missing, for `describe.skipIf`; `undefined` if they
 * are installed.
 */
export async function debianPackagesMissing(name: string, packages: readonly string[]): Promise<string | undefined> {
  if (areInstalled(packages)) return undefined;
  const hint = `apt-get install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0) return `${name} is not installed, and the tests do not run as root: ${hint}`;
  if (spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0)
    return `${name} comes from Debian packages`;
  return installOnce({
    name,
    isThere: async () => areInstalled(packages),
    async install() {
      const env = { DEBIAN_FRONTEND: 'noninteractive' };
      // Another process may be using apt.
      const apt = (...words: string[]) => run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...words], { env });
      await apt('update'); // if it fails, the existing lists may be enough
      const { code, output } = await withoutStartingServices(() =>
        apt('install', '-y', '--no-install-recommends', ...packages),
      );
      if (code !== 0) throw new Error(`apt-get says: ${output.split('\n').at(-1)}`);
    },
  });
}

/** Configured, not only unpacked: a program can be on the PATH before the modules that it needs. */
function areInstalled(packages: readonly string[]): boolean {
  const found = spawnSync('dpkg-query', ['-W', `-f=\${Status}\\n`, ...packages], { encoding: 'utf8' });
  return (found.stdout ?? '').split('\n').filter((line) => line === 'install ok installed').length === packages.length;
}

/** Debian starts a server's service when it installs it; the tests start their own. */
async function withoutStartingServices<T>(install: () => Promise<T>): Promise<T> {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return install();
  await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await install();
  } finally {
    await rm(policy, { force: true });
  }
}
