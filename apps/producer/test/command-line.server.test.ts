/** The `spineline` command as a process: help, errors in words, and exit codes. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { freePort } from '../../../packages/shared/test/support/free-port.ts';
import { temporaryFolder } from '../../../packages/shared/test/support/temporary-folder.ts';
import { spineline } from './support/spineline-command.ts';

it('--help names every command', async () => {
  const { code, stdout, stderr } = await spineline(['--help']);
  expect([code, stderr]).toEqual([0, '']);
  const files = await readdir(fileURLToPath(new URL('../src/commands', import.meta.url)));
  for (const file of files) expect(stdout).toMatch(new RegExp(`^  ${file.replace('.ts', '')} `, 'm'));
  expect(stdout).toMatch(/NOT FOR\s+CLINICAL USE/);
});

it('says what is wrong with a command line, and ends with 2', async () => {
  const unknown = await spineline(['scroe']);
  expect(unknown).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining("unknown command 'scroe'") });
  expect(unknown.stderr).toContain('Did you mean score?');
});

it('says what cannot be used with its code, without a stack, and ends with 2', async () => {
  const folder = join(await temporaryFolder(), 'nothing');
  const { code, stdout, stderr } = await spineline(['show', 'tonight', '1', '--store', `file://${folder}`]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^error CONFIG_INVALID there is no run called tonight/);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

it('ends with 1 where trying again may help', async () => {
  const settings = {
    SPINELINE_STORE_URL: 's3://bucket',
    SPINELINE_S3_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    SPINELINE_S3_ACCESS_KEY_ID: 'nobody',
    SPINELINE_S3_SECRET_ACCESS_KEY: 'nothing',
  };
  const { code, stderr } = await spineline(['runs'], settings);
  expect(stderr).toMatch(/^error STORE_UNAVAILABLE /);
  expect(code).toBe(1);
});

it('makes phantoms', async () => {
  const folder = join(await temporaryFolder(), 'phantom');
  const options = ['--studies', '1', '--seed', '5', '--no-awkward', '--small'];
  const { code, stdout } = await spineline(['phantom', folder, ...options]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^1 study, \d+ files in /);
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['phantom.json', 'train.csv', 'train_images']));
});
