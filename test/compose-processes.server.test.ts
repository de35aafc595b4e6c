/**
 * The services of docker-compose.yml, run as processes on this machine with the commands and the environment that the
 * files give them; only host names and ports differ. Redis runs with the flags of its service, Prometheus with its flags
 * and the configuration that it mounts. The test S3 server takes the place of the S3 gateway. Grafana is left out: the
 * tests have no program of it.
 */

import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '@spineline/shared/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { scoreRun } from '../apps/producer/test/support/deployment.ts';
import { makePhantom, spinelineOk } from '../apps/producer/test/support/spineline-command.ts';
import { type PortRange, reservePorts } from '../packages/shared/test/support/free-port.ts';
import { type GuardedProcess, startNode } from '../packages/shared/test/support/guarded-process.ts';
import { ENDED, type Leashed, startOnLeash } from '../packages/shared/test/support/leash.ts';
import { redisMissing } from '../packages/shared/test/support/redis-server.ts';
import { S3_START_TIMEOUT_MS, s3Missing, startS3, type TestS3 } from '../packages/shared/test/support/s3-server.ts';
import { logOf } from '../packages/shared/test/support/worker-log.ts';
import {
  COMPOSE,
  type ComposeFile,
  composeConfig,
  mountsOf,
  portsOf,
  ROOT,
  SECRETS,
  type Service,
} from './support/compose.ts';
import { environmentOf, healthcheck, parseDockerfile, words } from './support/dockerfile.ts';

const STUDIES = 2;
/** Of this test alone, also in a store that outlives it. */
const RUN = `compose-${Date.now()}`;
const WORKERS = ['worker-stage1', 'worker-stage2', 'worker-stage3'];
const SCRAPED = ['exporter', ...WORKERS];
/** The processes of spineline that keep running. */
const OURS = [...SCRAPED, 'board'];
/** The other services, and how this test treats them. */
const OTHERS = {
  producer: 'the command: run by hand',
  redis: 'started',
  prometheus: 'started, where it is installed',
  s3: 'replaced by the test server',
  grafana: 'left out',
};

const stages = parseDockerfile(await readFile(`${ROOT}Dockerfile`, 'utf8'));
const missing = redisMissing() ?? (await s3Missing()) ?? (COMPOSE ? undefined : 'docker-compose is not installed');
const prometheus = spawnSync('prometheus', ['--help'], { encoding: 'utf8' });

interface Running extends GuardedProcess {
  /** Where it answers. */
  readonly url: string;
}

describe.skipIf(missing)(`the services of docker-compose.yml${missing ? ` (${missing})` : ''}`, () => {
  let folder = '';
  let s3: TestS3;
  let ports: PortRange;
  let redis: Leashed;
  let services: ComposeFile['services'];
  /** What a user chooses in .env: the test server has keys of its own. */
  let choices: Readonly<Record<string, string>>;
  const running = new Map<string, Running>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spineline-compose-'));
    s3 = await startS3();
    choices = {
      ...SECRETS,
      S3_ACCESS_KEY_ID: String(s3.options.accessKeyId),
      S3_SECRET_ACCESS_KEY: String(s3.options.secretAccessKey),
      DATASETS: join(folder, 'datasets'),
    };
    services = composeConfig(['docker-compose.yml'], choices).services;
    ports = await reservePorts(OURS.length + 2);
    // The gateway's image comes with the bucket.
    await (await openStore('s3://spineline/store', { ...s3.options, createBucket: true })).close();
    const { entrypoint = [], command = [] } = services.redis!;
    redis = await startServer(
      [...entrypoint, ...command, '--port', String(portOf('redis')), '--bind', '127.0.0.1'],
      /Ready to accept connections/,
    );
    await Promise.all([makePhantom(join(choices.DATASETS!, 'phantom'), STUDIES, 21), ...OURS.map(start)]);
  }, S3_START_TIMEOUT_MS + 180_000);

  afterAll(async () => {
    await Promise.all([...running.keys()].map(stop));
    await redis?.stop();
    await s3?.stop();
    await ports?.release();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  function portOf(name: string): number {
    return ports.first + [...OURS, 'redis', 'prometheus'].indexOf(name);
  }

  /** A text of the files with this machine's host names and ports. */
  function here(text: string, name: string): string {
    return text
      .replace('http://s3:7070', s3.endpoint)
      .replace('redis:6379', `127.0.0.1:${portOf('redis')}`)
      .replace(/^(9400|3000)$/, String(portOf(name)))
      .replace(/(?<=127\.0\.0\.1:)(9400|3000|9090)\b/, String(portOf(name)));
  }

  /** The environment that the container would have: that of its image, then that of the file. */
  function environment(name: string, service = services[name]!): Readonly<Record<string, string>> {
    const { target } = service.build ?? {};
    const all = { ...(target && environmentOf(stages, target)), ...service.environment };
    return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, here(value, name)]));
  }

  /** Starts a service of spineline, and waits until it answers. */
  async function start(name: string): Promise<void> {
    const { build, command = [] } = services[name]!;
    const entrypoint = words(stages, build!.target!, 'ENTRYPOINT');
    const [node, program, ...parameters] = [
      ...entrypoint,
      ...(command.length > 0 ? command : words(stages, build!.target!, 'CMD')),
    ];
    expect(node).toBe('node');
    const guarded = startNode(
      join(ROOT, program!),
      parameters.map((one) => here(one, name)),
      environment(name),
    );
    const said: string[] = [];
    for (const output of [guarded.child.stdout, guarded.child.stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => said.push(text));
    }
    const url = `http://127.0.0.1:${portOf(name)}`;
    running.set(name, { ...guarded, url });
    for (;;) {
      const answer = await fetch(`${url}/livez`).catch(() => undefined);
      if (answer?.ok) return;
      const ended = await Promise.race([guarded.exited, sleep(200)]);
      if (ended) throw new Error(`${name} ended with ${ended.code ?? ended.signal}:\n${said.join('')}`);
    }
  }

  function stop(name: string) {
    const { child, exited } = running.get(name)!;
    running.delete(name);
    child.kill('SIGTERM');
    return exited;
  }

  /** A server that is no Node program, in a folder of its own. */
  async function startServer(command: readonly string[], ready: RegExp): Promise<Leashed> {
    const own = await mkdtemp(join(folder, 'server-'));
    return startOnLeash(
      `folder=$1; shift; cd "$folder"
       { "$@" & echo $! >"$folder/pid"; wait $!; echo ${ENDED}; } </dev/null &`,
      `kill "$(cat "$folder/pid")" 2>/dev/null; wait`,
      [own, ...command],
      ready,
    );
  }

  /** Runs the health check of a service as the container would. */
  function health(name: string, service: Service = services[name]!) {
    const target = service.build?.target;
    const test = service.healthcheck?.test ?? ['CMD', ...healthcheck(stages, target!)!];
    const [kind, ...command] = test.map((one) => here(one, name));
    const [program, ...rest] = kind === 'CMD-SHELL' ? ['sh', '-c', ...command] : command;
    const { PATH } = process.env;
    const { status } = spawnSync(program === 'node' ? process.execPath : program!, rest, {
      env: { PATH, ...environment(name) },
    });
    return status;
  }

  it('are all in one of the two lists of this test', () => {
    expect(Object.keys(services).sort()).toEqual([...OURS, ...Object.keys(OTHERS)].sort());
  });

  it.each(SCRAPED)('%s answers on /livez, /readyz and /metrics, and its health check says so', async (name) => {
    const { url } = running.get(name)!;
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(name === 'exporter' ? 'spineline_queue_jobs{' : 'spineline_jobs_in_progress{');
    expect(health(name)).toBe(0);
  });

  it('board asks for a password, and shows the six queues', async () => {
    const { url } = running.get('board')!;
    expect((await fetch(url)).status).toBe(401);
    const { SPINELINE_BOARD_USER: user, SPINELINE_BOARD_PASSWORD: password } = environment('board');
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const { queues } = (await (await fetch(`${url}/api/queues`, { headers: { authorization } })).json()) as {
      queues: unknown[];
    };
    expect(queues).toHaveLength(6);
    expect(health('board')).toBe(0);
    expect(portsOf(services.board!)).toMatchObject([{ inside: 3000 }]);
  });

  it('redis has a password, writes an append-only file, and never evicts', async () => {
    const { SPINELINE_REDIS_URL: url } = environment('exporter');
    const client = new Redis(url!);
    const read = async (name: string) => ((await client.config('GET', name)) as string[])[1];
    expect(await read('maxmemory-policy')).toBe('noeviction');
    expect(await read('appendonly')).toBe('yes');
    expect(await read('maxmemory')).toBe(String(512 * 1024 ** 2));
    client.disconnect();
    const stranger = new Redis(url!.replace(SECRETS.REDIS_PASSWORD, 'guess'), { retryStrategy: () => null });
    stranger.on('error', () => {});
    await expect(stranger.ping()).rejects.toThrow(/WRONGPASS|NOAUTH|Connection is closed/);
    stranger.disconnect();
    // redis-cli has no variable for the port.
    const [kind, check] = services.redis!.healthcheck!.test;
    const test = [kind!, check!.replace('redis-cli', `redis-cli -p ${portOf('redis')}`)];
    expect(health('redis', { ...services.redis!, healthcheck: { test } })).toBe(0);
  });

  it('score studies that the producer enqueues', async () => {
    const settings = environment('producer');
    expect(mountsOf(services.producer!)).toMatchObject([{ source: choices.DATASETS, target: '/datasets' }]);
    const status = await scoreRun(join(choices.DATASETS!, 'phantom'), RUN, settings);
    expect(status).toMatchObject({ failures: [], code: 0, scored: STUDIES, failed: 0 });
    const results = await spinelineOk(['results', RUN, '--format', 'challenge', '--out', '-'], settings);
    expect(results.stdout.trim().split('\n')).toHaveLength(1 + 25 * STUDIES);
    for (const name of WORKERS) {
      const metrics = await (await fetch(`${running.get(name)!.url}/metrics`)).text();
      const outcome = name === 'worker-stage3' ? 'scored' : 'handed_over';
      expect(metrics).toMatch(new RegExp(`^spineline_jobs_total\\{.*outcome="${outcome}".*\\} ${STUDIES}$`, 'm'));
      const [, bytes] = /^process_resident_memory_bytes\{.*\} (\S+)$/m.exec(metrics)!;
      console.info(`${name} takes ${Math.round(Number(bytes) / 1024 ** 2)} MiB`);
      const limit = /^(\d+)g$/.exec(services[name]!.deploy!.resources!.limits!.memory!)![1];
      expect(Number(bytes)).toBeLessThan((Number(limit) * 1024 ** 3) / 2);
    }
  }, 300_000);

  it.skipIf(prometheus.status !== 0)(
    'prometheus scrapes them and loads the rules (skipped where it is not installed)',
    async () => {
      const { command, volumes } = services.prometheus!;
      expect(volumes).toBeDefined();
      const mount = mountsOf(services.prometheus!).find(({ target }) => target === '/etc/prometheus')!;
      const own = join(folder, 'prometheus');
      await cp(mount.source, join(own, 'etc'), { recursive: true });
      await mkdir(join(own, 'data'));
      const file = join(own, 'etc/prometheus.yml');
      const read = parse(await readFile(file, 'utf8')) as {
        scrape_configs: { dns_sd_configs?: { names: string[] }[]; static_configs?: { targets: string[] }[] }[];
      };
      // Service names do not resolve here.
      for (const job of read.scrape_configs) {
        job.static_configs = job.dns_sd_configs
          ? [{ targets: job.dns_sd_configs.flatMap(({ names }) => names.map((name) => `127.0.0.1:${portOf(name)}`)) }]
          : [{ targets: [`127.0.0.1:${portOf('prometheus')}`] }];
        delete job.dns_sd_configs;
      }
      await writeFile(file, stringify(read));

      const flags = command!.filter((flag) => prometheus.stdout.includes(/^--[\w.]+/.exec(flag)![0]));
      const unknown = command!.filter((flag) => !flags.includes(flag));
      if (unknown.length > 0) console.info(`not known to this Prometheus: ${unknown.join(' ')}`);
      const server = await startServer(
        [
          'prometheus',
          ...flags.map((flag) =>
            flag.replace('=/etc/prometheus/', `=${own}/etc/`).replace('=/prometheus', `=${own}/data`),
          ),
          `--web.listen-address=127.0.0.1:${portOf('prometheus')}`,
        ],
        /Server is ready to receive web requests/,
      );
      try {
        const ask = async (path: string) => {
          const answer = await fetch(`http://127.0.0.1:${portOf('prometheus')}/api/v1/${path}`);
          return ((await answer.json()) as { data: Record<string, unknown> }).data;
        };
        const up = async () => {
          const { result } = (await ask('query?query=up')) as {
            result: { metric: { job: string }; value: [number, string] }[];
          };
          return result
            .filter(({ value }) => value[1] === '1')
            .map(({ metric }) => metric.job)
            .sort();
        };
        const wanted = ['prometheus', 'spineline-exporter', ...WORKERS.map(() => 'spineline-worker')];
        await expect.poll(up, { timeout: 60_000, interval: 500 }).toEqual(wanted);
        const { groups } = (await ask('rules')) as { groups: { rules: { lastError?: string }[] }[] };
        expect(groups.length).toBeGreaterThan(0);
        expect(groups.flatMap(({ rules }) => rules).filter(({ lastError }) => lastError)).toEqual([]);
        const { result } = (await ask('query?query=sum(spineline_studies_scored_total)')) as {
          result: { value: [number, string] }[];
        };
        expect(result[0]?.value[1]).toBe(String(STUDIES));
        expect(health('prometheus')).toBe(0);
      } finally {
        await server.stop();
      }
    },
    120_000,
  );

  it('with docker-compose.gpu.yml a worker runs on a GPU or not at all', async () => {
    const { services: onGpu } = composeConfig(['docker-compose.yml', 'docker-compose.gpu.yml'], choices);
    const service = onGpu['worker-stage3']!;
    const [, program] = words(stages, service.build!.target!, 'CMD');
    const settings = { ...environment('worker-stage3', service), SPINELINE_HEALTH_PORT: '0' };
    const guarded = startNode(join(ROOT, program!), [], settings);
    const line = await logOf(guarded).when(({ msg }) => msg === 'worker started' || msg === 'worker cannot run');
    if (line.msg === 'worker started') {
      expect(line.executionProvider).toBe('cuda');
      guarded.child.kill('SIGTERM');
      await guarded.exited;
    } else {
      expect(line.error).toContain('the execution provider cuda is not available');
      expect(await guarded.exited).toEqual({ code: 2, signal: null });
    }
  });

  it('end with exit code 0 on SIGTERM', async () => {
    const ends = await Promise.all([...running.keys()].map(async (name) => [name, await stop(name)] as const));
    expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(OURS.map((name) => [name, { code: 0, signal: null }])));
  });
});
