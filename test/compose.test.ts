/**
 * docker-compose.yml, docker-compose.gpu.yml and the Dockerfile against the code and against what a container must not
 * be able to do. No image is built here; the processes are started by hand in compose-processes.test.ts.
 */

import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { describeSettings, readSettings } from '@spineline/shared/config';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { COMPOSE, compose, composeConfig, mountsOf, portsOf, ROOT, SECRETS } from './support/compose.ts';
import { dockerfileFaults, effective, healthcheck, isPinned, parseDockerfile, words } from './support/dockerfile.ts';

const PLAIN = ['docker-compose.yml'];
const GPU = ['docker-compose.yml', 'docker-compose.gpu.yml'];
const WORKERS = ['worker-stage1', 'worker-stage2', 'worker-stage3'];
const SERVICES = ['board', 'exporter', 'grafana', 'producer', 'prometheus', 'redis', 's3', ...WORKERS].sort();
/** The images that are built here. */
const TARGETS = [...WORKERS, 'producer', 's3'];

const read = (file: string) => readFile(`${ROOT}${file}`, 'utf8');
const composeTexts = await Promise.all(GPU.map(read));
const composeText = composeTexts.join('\n');
const dockerfile = await read('Dockerfile');
const example = await read('.env.example');
const stages = parseDockerfile(dockerfile);
const settings = new Set(describeSettings().map(({ name }) => name));

describe('the files against the code', () => {
  it('set only variables that are settings', () => {
    const used = [...`${composeText}\n${dockerfile}`.matchAll(/\bSPINELINE_\w+/g)].map(([name]) => name);
    expect(used.length).toBeGreaterThan(8);
    expect(used.filter((name) => !settings.has(name))).toEqual([]);
  });

  it('name every variable in .env.example, with the default, and no setting of spineline', () => {
    const wanted = new Map(
      [...composeText.matchAll(/\$\{(\w+)(?::-([^}]*))?/g)].map(([, name, value]) => [name, value]),
    );
    const offered = new Map([...example.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
    expect([...offered.keys()].sort()).toEqual([...wanted.keys()].sort());
    for (const [name, value = ''] of wanted) expect(offered.get(name), name).toBe(value);
    expect([...offered.keys()].filter((name) => name!.startsWith('SPINELINE_'))).toEqual([]);
  });

  it('give workers longer to stop than jobs in hand have to finish', () => {
    const [, stopSeconds] = /STOP_GRACE_PERIOD:-(\d+)s/.exec(composeText)!;
    const [, graceMs] = /GRACE_MS:-(\d+)/.exec(composeText)!;
    expect(Number(stopSeconds) * 1000).toBeGreaterThan(Number(graceMs));
    expect(Number(graceMs)).toBe(readSettings({}).worker.graceMs);
  });

  it('copy and start only what is there', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, paths]) =>
      paths!.split(' ').slice(0, -1),
    );
    const started = [...dockerfile.matchAll(/"node", "([^"]+\.[jt]s)"/g)].map(([, path]) => path!);
    expect(started).toHaveLength(4);
    expect([...copied, ...started].filter((path) => !existsSync(`${ROOT}${path}`))).toEqual([]);
  });

  it('install every workspace in the image', async () => {
    const lock = JSON.parse(await read('package-lock.json')) as { packages: Record<string, unknown> };
    const folders = Object.keys(lock.packages).filter((path) => /^(packages|apps)\/[^/]+$/.test(path));
    expect(folders.filter((path) => !dockerfile.includes(`COPY ${path}/package.json ${path}/`))).toEqual([]);
  });
});

describe('the Dockerfile', () => {
  it('is without a fault', () => {
    expect(dockerfileFaults(dockerfile, TARGETS)).toEqual([]);
  });

  it.each([
    ['an instruction that is none', 'FORM node:24.1.0 AS a', /Unknown instruction|No source image/i],
    ['no tag', 'FROM node AS a', /node is not pinned/],
    ['latest', 'FROM node:latest AS a', /node:latest is not pinned/],
    ['a tag that moves', 'FROM node:lts AS a', /node:lts is not pinned/],
    ['an argument without a version', 'ARG BASE=node\nFROM $BASE AS a', /node is not pinned/],
    ['ADD', 'FROM node:24.1.0 AS a\nADD https://example.org/x /x', /COPY says what ADD hides/],
    ['no user', 'FROM node:24.1.0 AS a', /runs as root/],
    ['root in the end', 'FROM node:24.1.0 AS a\nUSER 1000:1000\nUSER root', /runs as root/],
    ['root by number', 'FROM node:24.1.0 AS a\nUSER 0:0', /runs as 0:0/],
    ['a user by name', 'FROM node:24.1.0 AS a\nUSER node', /runs as node/],
    ['no health check', 'FROM node:24.1.0 AS a\nUSER 1000\nCMD ["x"]', /says nothing about its health/],
    [
      'a server that wants none',
      'FROM node:24.1.0 AS a\nUSER 1000\nHEALTHCHECK NONE\nCMD ["x"]',
      /without a health check/,
    ],
  ])('would be refused with %s', (_, text, fault) => {
    expect(dockerfileFaults(`${text}\n`, /FROM/.test(text) ? ['a'] : []).join('\n')).toMatch(fault);
  });

  it('would be taken with what these leave out', () => {
    const good = [
      'ARG BASE=plain',
      'FROM node:24.1.0-slim AS plain',
      'FROM $BASE AS base',
      'USER 1000:1000',
      'HEALTHCHECK CMD ["node", "--version"]',
      'FROM base AS a',
      'CMD ["node"]',
    ];
    expect(dockerfileFaults(`${good.join('\n')}\n`, ['a'])).toEqual([]);
  });
});

describe('the secrets', () => {
  it('have no value in any file', () => {
    for (const name of Object.keys(SECRETS)) {
      expect([...composeText.matchAll(new RegExp(`\\$\\{${name}[^}]*\\}`, 'g'))].map(([use]) => use)).toSatisfy(
        (uses: string[]) => uses.length > 0 && uses.every((use) => use === `\${${name}:?set it in .env}`),
      );
      expect(example, name).toMatch(new RegExp(`^${name}=$`, 'm'));
    }
    const secret = /PASSWORD|SECRET|ACCESS_KEY|AUTH$/;
    const walk = (value: unknown, key = ''): void => {
      if (value && typeof value === 'object') for (const [name, one] of Object.entries(value)) walk(one, name);
      else if (secret.test(key)) expect(value, key).toMatch(/^\$\{\w+:\?/);
    };
    for (const text of composeTexts) walk(parse(text, { merge: true }));
  });

  it.skipIf(!COMPOSE)('are required (skipped where there is no docker-compose)', () => {
    const { status, stderr } = compose(PLAIN, ['config', '-q'], {});
    expect(status).not.toBe(0);
    expect(stderr).toContain('set it in .env');
  });
});

describe.skipIf(!COMPOSE).each([
  { files: PLAIN, cuda: false },
  { files: GPU, cuda: true },
])('$files, as docker-compose reads it (skipped where there is none)', ({ files, cuda }) => {
  const { services, networks } = COMPOSE ? composeConfig(files) : { services: {}, networks: {} };
  const all = Object.entries(services);

  it('has the services, and no word of complaint', () => {
    expect(compose(files, ['config', '-q'], SECRETS)).toMatchObject({ status: 0, stderr: '' });
    expect(Object.keys(services).sort()).toEqual(SERVICES);
  });

  it.each(all)('%s runs a pinned image that exists or is built here', (_, { image, build }) => {
    expect(image).toSatisfy(isPinned);
    if (image.startsWith('spineline/')) expect(TARGETS).toContain(build?.target);
    else expect(build).toBeUndefined();
  });

  it.each(all)('%s is not root, cannot become it, and cannot write to its file system', (_, service) => {
    expect(service.user).toMatch(/^[1-9]\d*:\d+$/);
    const target = service.build?.target;
    // The image agrees on who owns its files.
    if (target) expect(service.user).toBe(effective(stages, target, 'USER'));
    expect(service).toMatchObject({ read_only: true, init: true, cap_drop: ['ALL'] });
    expect(service.security_opt).toContain('no-new-privileges:true');
    for (const open of ['privileged', 'cap_add', 'devices', 'network_mode', 'pid', 'ipc']) {
      expect(service).not.toHaveProperty(open);
    }
  });

  it.each(all)('%s has limits, an end of its logs, a health check, and comes back', (name, service) => {
    const { cpus, memory } = service.deploy!.resources!.limits!;
    expect(Number(cpus)).toBeGreaterThan(0);
    expect(memory).toBeTruthy();
    expect(service.logging).toMatchObject({ options: { 'max-size': '10m' } });
    const health = service.healthcheck?.test ?? healthcheck(stages, service.build?.target ?? '');
    if (name === 'producer') {
      // A command, run by hand.
      expect(service.restart).toBe('no');
      expect(health).toBeUndefined();
    } else {
      expect(service.restart).toBe('unless-stopped');
      expect(health).toBeDefined();
    }
  });

  it('publishes ports on loopback alone', () => {
    const published = all.flatMap(([name, service]) => portsOf(service).map((port) => ({ name, ...port })));
    expect(published.map(({ name }) => name).sort()).toEqual(['board', 'grafana', 'prometheus']);
    expect(published.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
  });

  it('keeps Redis, the store and the workers on networks that lead nowhere else', () => {
    for (const [name, { networks: joined, ports }] of all) {
      const outside = Object.keys(joined).filter((network) => !networks[network]?.internal);
      expect(outside, name).toEqual(ports ? ['front'] : []);
    }
    for (const name of ['redis', 's3']) expect(Object.keys(services[name]!.networks)).toEqual(['back']);
  });

  it('mounts from the repository what is there, and lets nobody write to it', () => {
    const bound = all.flatMap(([, service]) => mountsOf(service)).filter(({ source }) => source.startsWith('/'));
    expect(bound.map(({ read_only }) => read_only)).toEqual(bound.map(() => true));
    const own = bound.filter(({ target }) => target !== '/datasets').map(({ source }) => source);
    expect(own).toHaveLength(3);
    expect(own.filter((source) => !existsSync(source))).toEqual([]);
  });

  it('has Prometheus scrape services that are there and within reach', async () => {
    const { scrape_configs } = parse(await read('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { dns_sd_configs?: { names: string[]; port: number }[] }[];
    };
    const scraped = scrape_configs.flatMap(({ dns_sd_configs = [] }) => dns_sd_configs);
    expect(scraped.flatMap(({ names }) => names).sort()).toEqual(['exporter', ...WORKERS]);
    for (const { names, port } of scraped) {
      for (const name of names) {
        const { networks: joined, environment } = services[name]!;
        expect(Object.keys(joined)).toContain('watch');
        expect(environment).toMatchObject({ SPINELINE_HEALTH_HOST: '0.0.0.0', SPINELINE_HEALTH_PORT: String(port) });
      }
    }
    expect(Object.keys(services.prometheus!.networks)).toContain('watch');
  });

  it('has Grafana ask the Prometheus that is there', async () => {
    const file = 'deploy/grafana/provisioning/datasources';
    const urls: string[] = [];
    for await (const one of glob(`${ROOT}${file}/*.y*ml`)) {
      const { datasources } = parse(await readFile(one, 'utf8')) as { datasources: { url: string }[] };
      urls.push(...datasources.map(({ url }) => url));
    }
    expect(urls).toEqual(['http://prometheus:9090']);
    expect(portsOf(services.prometheus!)[0]!.inside).toBe(9090);
  });

  it(cuda ? 'asks for a GPU, and for images with CUDA, where models run and nowhere else' : 'asks for no GPU', () => {
    for (const [name, { image, build, environment, deploy }] of all) {
      const worker = cuda && WORKERS.includes(name);
      expect(
        deploy?.resources?.reservations?.devices?.map(({ driver }) => driver),
        name,
      ).toEqual(worker ? ['nvidia'] : undefined);
      expect(image.endsWith('-cuda'), name).toBe(worker);
      expect(environment?.SPINELINE_EXECUTION_PROVIDER, name).toBe(worker ? 'cuda' : undefined);
      expect(build?.args, name).toEqual(
        worker ? { BASE_IMAGE: 'cuda', ONNXRUNTIME_NODE_INSTALL: 'cuda12' } : undefined,
      );
    }
    expect(stages.map(({ name }) => name)).toContain('cuda');
  });

  it('starts commands that spineline has', () => {
    expect(words(stages, 'producer', 'ENTRYPOINT')).toEqual(['node', 'apps/producer/bin/spineline.js']);
    for (const name of ['exporter', 'board']) {
      expect(existsSync(`${ROOT}apps/producer/src/commands/${services[name]!.command![0]}.ts`)).toBe(true);
    }
  });
});
