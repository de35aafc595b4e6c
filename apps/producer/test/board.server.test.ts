/** `spineline board` as its users meet it: a process, a real Redis with jobs in it, and HTTP. */

import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connectRedis, QUEUES, Queues } from '@spineline/shared/queue';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Exit, startNode } from '../../../packages/shared/test/support/guarded-process.ts';
import { redisMissing, startRedis, type TestRedis } from '../../../packages/shared/test/support/redis-server.ts';
import { spineline } from './support/in-process.ts';

const COMMAND = fileURLToPath(new URL('../bin/spineline.js', import.meta.url));
const LOGIN = { SPINELINE_BOARD_USER: 'ops', SPINELINE_BOARD_PASSWORD: 'correct horse' };
const STUDIES = 7;
const PAGES = 2;
const digest = 'a'.repeat(64);
const missing = redisMissing();

interface Board {
  readonly url: string;
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

/** What `/api/queues` answers, as far as the tests look at it. */
interface Listed {
  readonly queues: readonly {
    readonly name: string;
    readonly readOnlyMode: boolean;
    readonly counts: Readonly<Record<string, number>>;
    readonly jobs: readonly { readonly id: string; readonly data: object }[];
  }[];
}

describe.skipIf(missing)(`the board${missing ? ` (${missing})` : ''}`, () => {
  let redis: TestRedis;
  let settings: Readonly<Record<string, string>>;
  /** As it is started without an option, for the tests that only look. */
  let plain: Board;

  beforeAll(async () => {
    redis = await startRedis();
    settings = { SPINELINE_REDIS_URL: redis.url };
    const connection = connectRedis(redis.url, 'test');
    const queues = new Queues(connection, 'spineline', { attempts: 3, backoffMs: 1000 });
    await queues.addPages('tonight', Array(PAGES).fill(digest), 3);
    const payload = (i: number) => ({ run: 'tonight', study: `s${i}`, page: digest, redo: 0 });
    await queues.addStudies(
      'stage1',
      Array.from({ length: STUDIES }, (_, i) => payload(i)),
      3,
    );
    await queues.close();
    connection.disconnect();
    plain = await startBoard(['--port', '0'], settings);
  });
  afterAll(async () => {
    await plain?.stop();
    await redis?.stop();
  });

  /** Starts it on a free port; gone after the test. */
  async function board(parameters: readonly string[] = [], more: Readonly<Record<string, string>> = {}) {
    const started = await startBoard(['--port', '0', ...parameters], { ...settings, ...more });
    onTestFinished(async () => void (await started.stop()));
    return started;
  }

  const refused = (parameters: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    spineline(['board', ...parameters], { ...settings, ...more });

  it('serves its page with all that the page needs, and lets nothing be fetched from elsewhere', async () => {
    const { url } = plain;
    const page = await fetch(url);
    expect(page.status).toBe(200);
    const html = await page.text();
    expect(html).toContain('<title>spineline</title>');
    const own = [...html.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, path]) => path!);
    expect(own.length).toBeGreaterThan(3);
    for (const path of own) expect((await fetch(`${url}/${path}`)).status, path).toBe(200);
    // The page asks for fonts on the internet; the browser is told not to.
    expect(page.headers.get('content-security-policy')).toMatch(
      /default-src 'self'; style-src 'self' 'unsafe-inline';/,
    );
    expect(page.headers.get('content-security-policy')).not.toMatch(/https?:/);
  });

  it('lists the six queues with the jobs that are in them', async () => {
    const { url } = plain;
    const { queues } = (await (await fetch(`${url}/api/queues?activeQueue=stage1`)).json()) as Listed;
    expect(queues.map(({ name }) => name).sort()).toEqual([...QUEUES].sort());
    const jobs = Object.fromEntries(queues.map(({ name, counts }) => [name, counts.prioritized]));
    expect(jobs).toMatchObject({ stage1: STUDIES, 'stage1-pages': PAGES, stage2: 0, stage3: 0 });
    const shown = queues.find(({ name }) => name === 'stage1')!.jobs;
    expect(shown.map(({ id }) => id).sort()).toEqual(Array.from({ length: STUDIES }, (_, i) => `tonight.s${i}`));
    // All that a job says: a run, a study and keys.
    for (const { data } of shown) expect(Object.keys(data).sort()).toEqual(['page', 'redo', 'run', 'study']);
  });

  it('only shows, unless it is told otherwise', async () => {
    const { url } = plain;
    for (const [method, path] of [
      ['PUT', 'api/queues/stage1/tonight.s0/clean'],
      ['PUT', 'api/queues/stage1/empty'],
      ['PUT', 'api/queues/pause'],
      ['PUT', 'api/queues/stage1/obliterate'],
      ['POST', 'api/queues/stage1/add'],
      ['PATCH', 'api/queues/stage1/tonight.s0/update-data'],
    ] as const) {
      expect((await fetch(`${url}/${path}`, { method })).status, path).toBe(405);
    }
    const { queues } = (await (await fetch(`${url}/api/queues`)).json()) as Listed;
    expect(queues.every(({ readOnlyMode }) => readOnlyMode)).toBe(true);
    expect(queues.find(({ name }) => name === 'stage1')!.counts.prioritized).toBe(STUDIES);
  });

  it('changes what it is asked to with --allow-changes, by its own page only', async () => {
    const { url } = await board(['--allow-changes']);
    const pause = (headers: Record<string, string>) =>
      fetch(`${url}/api/queues/stage3/pause`, { method: 'PUT', headers });
    expect((await pause({ origin: 'http://elsewhere.example' })).status).toBe(403);
    expect((await pause({ origin: url })).status).toBe(200);
    const { stdout } = await spineline(['unpause', '--stage', '1'], settings);
    expect(stdout).toContain('paused: stage3');
    expect((await spineline(['unpause'], settings)).stdout).toContain('no pool is paused');
  });

  it('is not open beyond this machine without a password', async () => {
    const { code, stderr } = await refused(['--host', '0.0.0.0', '--port', '0']);
    expect(code).toBe(2);
    expect(stderr).toContain('SPINELINE_BOARD_USER and SPINELINE_BOARD_PASSWORD');
    const half = await refused([], { SPINELINE_BOARD_USER: 'ops' });
    expect(half.code).toBe(2);
    expect(half.stderr).toContain('SPINELINE_BOARD_USER is set, but SPINELINE_BOARD_PASSWORD is not');
  });

  it('asks for the password on every path but /livez', async () => {
    const { url } = await board(['--host', '0.0.0.0'], LOGIN);
    const local = url.replace('0.0.0.0', '127.0.0.1');
    const [page] = [...(await (await fetch(local, authorised(LOGIN))).text()).matchAll(/src="(static\/js[^"]+)"/g)];
    for (const path of ['', 'api/queues', 'queue/stage1', 'nothing', page![1]!]) {
      const without = await fetch(`${local}/${path}`);
      expect(without.status, path).toBe(401);
      expect(without.headers.get('www-authenticate')).toMatch(/^Basic /);
      const wrong = { ...LOGIN, SPINELINE_BOARD_PASSWORD: 'wrong' };
      expect((await fetch(`${local}/${path}`, authorised(wrong))).status, path).toBe(401);
      expect((await fetch(`${local}/${path}`, authorised(LOGIN))).status, path).toBe(path === 'nothing' ? 404 : 200);
    }
    expect((await fetch(`${local}/livez`)).status).toBe(200);
  });

  it('answers no page that reached this machine under another name', async () => {
    const { url } = plain;
    expect(await statusAs(url, 'elsewhere.example')).toBe(403);
    expect(await statusAs(url, `localhost:${new URL(url).port}`)).toBe(200);
  });

  it('says that the port is taken, that no port is one, and that no Redis answers', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const taken = await refused(['--port', String(port)]);
    expect(taken.code).toBe(2);
    expect(taken.stderr).toContain(`port ${port}; found the port is in use; choose another port with --port`);
    expect((await refused(['--port', '99999'])).code).toBe(2);
    const away = await refused([], { SPINELINE_REDIS_URL: `redis://:secret@127.0.0.1:${port}` });
    expect(away.code).toBe(2);
    expect(away.stderr).toContain('Redis does not answer');
    expect(away.stderr).not.toContain('secret');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s', async (signal) => {
    const { stop, url } = await board();
    await fetch(url);
    expect(await stop(signal)).toEqual({ code: 0, signal: null });
  });

  it('ends as well while Redis is away', async () => {
    const { stop } = await board();
    await redis.restart(async () => {
      expect(await stop()).toEqual({ code: 0, signal: null });
    });
  });
});

async function startBoard(parameters: readonly string[], settings: Readonly<Record<string, string>>): Promise<Board> {
  const { child, exited } = startNode(COMMAND, ['board', ...parameters], settings);
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    return exited;
  };
  const said: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on('line', (line) => {
        said.push(line);
        const [, address] = /^board (\S+)/.exec(line) ?? [];
        if (address) resolve(address);
      });
    }
    void exited.then(() => reject(new Error(`the board did not start:\n${said.join('\n')}`)));
  });
  return { url, stop };
}

function authorised({ SPINELINE_BOARD_USER: user, SPINELINE_BOARD_PASSWORD: password }: typeof LOGIN) {
  return { headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } };
}

/** `fetch` sets the host header itself. */
function statusAs(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).once('error', reject);
  });
}
