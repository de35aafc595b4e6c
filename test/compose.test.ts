/**
 * docker-compose.yml and the Dockerfile against the code: settings that exist, programs that exist, and time to stop. No
 * image is built here.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describeSettings, readSettings } from '@spineline/shared/config';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const compose = await readFile(`${root}docker-compose.yml`, 'utf8');
const dockerfile = await readFile(`${root}Dockerfile`, 'utf8');
const example = await readFile(`${root}.env.example`, 'utf8');
const settings = new Set(describeSettings().map(({ name }) => name));

/** Debian's docker-compose, or the plugin of newer clients. */
const command = [['docker-compose'], ['docker', 'compose']].find(
  ([program, ...rest]) => spawnSync(program!, [...rest, 'version'], { stdio: 'ignore' }).status === 0,
);
/** What a user has to choose. */
const secrets = { REDIS_PASSWORD: 'abc', S3_ACCESS_KEY_ID: 'key', S3_SECRET_ACCESS_KEY: 'secret' };

function config(options: readonly string[], environment: NodeJS.ProcessEnv = secrets) {
  const [program, ...rest] = command!;
  const { PATH, HOME } = process.env;
  return spawnSync(program!, [...rest, ...options], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH, HOME, ...environment },
  });
}

it('sets only variables that are settings', () => {
  const used = [...`${compose}\n${dockerfile}`.matchAll(/\bSPINELINE_\w+/g)].map(([name]) => name);
  expect(used.length).toBeGreaterThan(8);
  expect(used.filter((name) => !settings.has(name))).toEqual([]);
});

it('names every variable of docker-compose.yml in .env.example, and no setting of spineline', () => {
  const wanted = new Set([...compose.matchAll(/\$\{(\w+)/g)].map(([, name]) => name));
  const offered = new Set([...example.matchAll(/^(\w+)=/gm)].map(([, name]) => name));
  expect([...offered].sort()).toEqual([...wanted].sort());
  expect([...offered].filter((name) => name!.startsWith('SPINELINE_'))).toEqual([]);
});

it('gives workers longer to stop than jobs in hand have to finish', () => {
  const [, stopSeconds] = /STOP_GRACE_PERIOD:-(\d+)s/.exec(compose)!;
  const [, graceMs] = /GRACE_MS:-(\d+)/.exec(compose)!;
  expect(Number(stopSeconds) * 1000).toBeGreaterThan(Number(graceMs));
  expect(Number(graceMs)).toBe(readSettings({}).worker.graceMs);
});

it('copies and starts only what is there', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, paths]) =>
    paths!.split(' ').slice(0, -1),
  );
  const started = [...dockerfile.matchAll(/"node", "([^"]+\.[jt]s)"/g)].map(([, path]) => path!);
  expect(started).toHaveLength(4);
  expect([...copied, ...started].filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
});

it('builds targets that the Dockerfile has', () => {
  const targets = [...compose.matchAll(/target: ([\w-]+)/g)].map(([, target]) => target!);
  const stages = new Set([...dockerfile.matchAll(/^FROM .* AS ([\w-]+)$/gm)].map(([, stage]) => stage));
  expect(targets).toHaveLength(4);
  expect(targets.filter((target) => !stages.has(target))).toEqual([]);
});

it('installs every workspace in the image', async () => {
  const lock = JSON.parse(await readFile(`${root}package-lock.json`, 'utf8')) as { packages: Record<string, unknown> };
  const folders = Object.keys(lock.packages).filter((path) => /^(packages|apps)\/[^/]+$/.test(path));
  expect(folders.filter((path) => !dockerfile.includes(`COPY ${path}/package.json ${path}/`))).toEqual([]);
});

it.skipIf(!command)('is accepted by docker-compose (skipped where there is none)', () => {
  const { status, stderr, stdout } = config(['--profile', 'producer', 'config', '--services']);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout.trim().split('\n').sort()).toEqual(
    ['producer', 'redis', 's3', 'worker-stage1', 'worker-stage2', 'worker-stage3'].sort(),
  );
});

it.skipIf(!command)('is refused without the secrets (skipped where there is no docker-compose)', () => {
  const { status, stderr } = config(['config', '-q'], {});
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/set it in .env/);
});
