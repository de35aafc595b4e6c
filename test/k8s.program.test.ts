/**
 * deploy/k8s without a cluster: every manifest, as kustomize renders it, is checked against the schemas of Kubernetes, KEDA
 * and the Prometheus operator, and against the code, docker-compose.yml and the Prometheus rules.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeSettings, readSettings } from '@spineline/shared/config';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { faults, schemasMissing } from './manifest-schemas/manifest-schema.ts';
import { kustomizeMissing, type Manifest, render } from './support/kustomize.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const k8s = `${root}deploy/k8s/`;
const OVERLAYS = ['overlays/cpu', 'overlays/gpu', 'overlays/demo'];
const SCALED = ['overlays/cpu', 'overlays/gpu'];
const JOBS = ['jobs/enqueue', 'jobs/phantom'];
const ALL = [...OVERLAYS, ...JOBS];
const STAGES = ['stage1', 'stage2', 'stage3'];

const missing = kustomizeMissing ?? schemasMissing;
const rendered = describe.skipIf(missing);
const skipped = missing ? ` (skipped: ${missing})` : '';

const compose = parse(await readFile(`${root}docker-compose.yml`, 'utf8'), { merge: true });
const onGpus = parse(await readFile(`${root}docker-compose.gpu.yml`, 'utf8'), { merge: true });
const dockerfile = await readFile(`${root}Dockerfile`, 'utf8');
const rules = parse(await readFile(`${root}deploy/prometheus/rules/recording.yml`, 'utf8'));
const docs = await readFile(`${root}docs/kubernetes.md`, 'utf8');

// What is in a manifest depends on its kind.
// oxlint-disable-next-line typescript/no-explicit-any -- paths of validated manifests
type Any = any;
const manifests = (folder: string) => render(k8s + folder);
const ofKind = (kind: string, folder: string) => manifests(folder).filter((one) => one.kind === kind);
const withPods = (folder: string) => manifests(folder).filter(({ spec }) => spec?.template?.spec);
const containersOf = ({ spec }: Manifest): Any[] => [
  ...(spec.template.spec.initContainers ?? []),
  ...spec.template.spec.containers,
];
/** Those of spineline itself: not the Redis and the S3 server of the demo. */
const ours = (folder: string) =>
  withPods(folder).filter((one) => containersOf(one).every(({ image }) => image.startsWith('spineline/')));

function selects(selector: Any, labels: Record<string, string>): boolean {
  const { matchLabels = {}, matchExpressions = [], ...rest } = selector;
  expect(rest).toEqual({});
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }: Any) => {
      expect(operator).toBe('In');
      return values.includes(labels[key]);
    })
  );
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'spineline-kustomize-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Names of the workloads whose pods a selector selects. */
const selected = (selector: Any, folder: string) =>
  withPods(folder)
    .filter(({ spec }) => selects(selector, spec.template.metadata.labels))
    .map(({ metadata }) => metadata.name)
    .sort();

/** What a container of an overlay finds in its environment; values of the Secret are as the docs tell to make them. */
function environment(container: Any, folder: string): Record<string, string> {
  const settings = ofKind('ConfigMap', folder).find(({ metadata }) => metadata.name === 'spineline')!;
  expect(container.envFrom).toEqual([{ configMapRef: { name: settings.metadata.name } }]);
  const secrets: Record<string, string> = {
    SPINELINE_REDIS_URL: 'redis://:secret@redis:6379/0',
    SPINELINE_S3_ACCESS_KEY_ID: 'key',
    SPINELINE_S3_SECRET_ACCESS_KEY: 'secret',
  };
  const own = container.env.map(({ name, value, valueFrom }: Any) => {
    if (!valueFrom) return [name, value];
    expect(valueFrom.secretKeyRef).toMatchObject({ name: 'spineline', key: name });
    expect(secrets).toHaveProperty(name);
    return [name, secrets[name]];
  });
  return { ...settings.data, ...Object.fromEntries(own) };
}

rendered.each(ALL)(`%s${skipped}`, (folder) => {
  it('fits the schemas', async () => {
    for (const manifest of manifests(folder)) {
      expect([manifest.kind, manifest.metadata.name, await faults(manifest)]).toEqual([
        manifest.kind,
        manifest.metadata.name,
        [],
      ]);
    }
  });

  it('contains no secret: the operator makes it', () => {
    expect(ofKind('Secret', folder)).toEqual([]);
    const keys = withPods(folder)
      .flatMap(containersOf)
      .flatMap(({ env = [] }) => env)
      .flatMap(({ valueFrom }: Any) => (valueFrom ? [valueFrom.secretKeyRef] : []));
    expect(new Set(keys.map(({ name }: Any) => name))).toEqual(new Set(['spineline']));
    for (const { key } of keys) expect(docs).toContain(`${key}=`);
    for (const { env = [] } of withPods(folder).flatMap(containersOf)) {
      for (const { name, value } of env) {
        if (/PASSWORD|AUTH|SECRET|ACCESS_KEY|REDIS_URL/.test(name)) expect([name, value]).toEqual([name, undefined]);
      }
    }
  });

  it('takes from pods every right that they do not need', () => {
    for (const { metadata, spec } of withPods(folder)) {
      const pod = spec.template.spec;
      expect(pod, metadata.name).toMatchObject({
        automountServiceAccountToken: false,
        // Else a service named spineline-... would set variables that spineline refuses.
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
    }
    for (const container of withPods(folder).flatMap(containersOf)) {
      expect(container.securityContext, container.name).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources).toMatchObject({
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      });
    }
    // As in the Dockerfile.
    for (const { spec } of ours(folder)) expect(spec.template.spec.securityContext.runAsUser).toBe(1000);
  });

  it('mounts only volumes that the pod has, and has a writable /tmp', () => {
    for (const workload of withPods(folder)) {
      const volumes = workload.spec.template.spec.volumes.map(({ name }: Any) => name);
      for (const { volumeMounts } of containersOf(workload)) {
        expect(volumes).toEqual(expect.arrayContaining(volumeMounts.map(({ name }: Any) => name)));
      }
    }
    for (const { volumeMounts } of ours(folder).flatMap(containersOf)) {
      expect(volumeMounts).toContainEqual({ name: 'tmp', mountPath: '/tmp' });
    }
  });

  it('is in one namespace', () => {
    for (const { kind, metadata } of manifests(folder)) {
      expect(kind === 'Namespace' ? metadata.name : metadata.namespace).toBe('spineline');
    }
  });

  it('uses the images of docker-compose.yml, docker-compose.gpu.yml and the Dockerfile', () => {
    const named = [compose, onGpus].flatMap(({ services }) => Object.values<Any>(services).map(({ image }) => image));
    const based = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    for (const { image } of withPods(folder).flatMap(containersOf)) expect([...named, ...based]).toContain(image);
  });
});

rendered.each(OVERLAYS)(`%s${skipped}`, (folder) => {
  it('has one pool per stage, and one exporter', () => {
    const images = ours(folder).map(({ metadata, spec }) => [metadata.name, spec.template.spec.containers[0].image]);
    const tag = folder === 'overlays/gpu' ? '0.1.0-cuda' : '0.1.0';
    expect(Object.fromEntries(images)).toEqual({
      exporter: 'spineline/producer:0.1.0',
      ...Object.fromEntries(STAGES.map((stage) => [`worker-${stage}`, `spineline/worker-${stage}:${tag}`])),
    });
    const exporter = ours(folder).find(({ metadata }) => metadata.name === 'exporter')!;
    expect(exporter.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    expect(exporter.spec.template.spec.containers[0].args).toEqual(['exporter']);
    // The autoscaler sets the number of workers.
    for (const { metadata, spec } of ours(folder)) {
      if (metadata.name !== 'exporter') expect(spec).not.toHaveProperty('replicas');
    }
  });

  it('sets only variables that are settings, to valid values', () => {
    const settings = new Set(describeSettings().map(({ name }) => name));
    for (const container of ours(folder).flatMap(containersOf)) {
      const variables = environment(container, folder);
      expect(Object.keys(variables).filter((name) => name.startsWith('SPINELINE_') && !settings.has(name))).toEqual([]);
      expect(readSettings(variables).health).toEqual({ host: '0.0.0.0', port: 9400 });
    }
  });

  it('gives workers longer to stop than jobs in hand have to finish', () => {
    for (const { metadata, spec } of ours(folder)) {
      if (metadata.name === 'exporter') continue;
      const { worker } = readSettings(environment(spec.template.spec.containers[0], folder));
      // Connections and threads are closed after the jobs.
      expect(spec.template.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThanOrEqual(worker.graceMs + 20_000);
    }
  });

  it('starts no more threads than it asks for cores', () => {
    for (const { metadata, spec } of ours(folder)) {
      if (metadata.name === 'exporter' || folder === 'overlays/demo') continue;
      const [container] = spec.template.spec.containers;
      const { worker } = readSettings(environment(container, folder));
      expect(worker.computeThreads + worker.inferenceThreads).toBeLessThanOrEqual(
        Number(container.resources.requests.cpu),
      );
    }
  });

  it('probes the paths that spineline serves, on a port that the container has', async () => {
    const served = await readFile(`${root}packages/shared/telemetry/health.ts`, 'utf8');
    for (const workload of ours(folder)) {
      for (const { startupProbe, livenessProbe, readinessProbe, ports } of containersOf(workload)) {
        expect(ports).toEqual([{ name: 'health', containerPort: 9400 }]);
        expect(startupProbe.httpGet).toEqual({ path: '/livez', port: 'health' });
        expect(livenessProbe.httpGet).toEqual({ path: '/livez', port: 'health' });
        expect(readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'health' });
        for (const { httpGet } of [startupProbe, readinessProbe]) expect(served).toContain(`'${httpGet.path}'`);
      }
    }
  });

  it('selects pods that exist', () => {
    for (const { metadata, spec } of ofKind('Deployment', folder)) {
      expect(selected(spec.selector, folder)).toEqual([metadata.name]);
    }
    const budgets = ofKind('PodDisruptionBudget', folder).map(({ metadata, spec }) => {
      expect(selected(spec.selector, folder)).toEqual([metadata.name]);
      return metadata.name;
    });
    expect(budgets.sort()).toEqual(STAGES.map((stage) => `worker-${stage}`));
    for (const { spec } of ofKind('Service', folder)) {
      expect(selected({ matchLabels: spec.selector }, folder)).toHaveLength(1);
    }
  });

  it('lets pods reach DNS, Redis and S3, and lets Prometheus reach them', () => {
    const pods = ours(folder)
      .map(({ metadata }) => metadata.name)
      .sort();
    const policies = ofKind('NetworkPolicy', folder);
    const policy = (name: string) => policies.find(({ metadata }) => metadata.name === name)!.spec;
    expect(policy('default-deny')).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    for (const name of ['dns', 'redis', 's3', 'metrics'])
      expect(selected(policy(name).podSelector, folder)).toEqual(pods);
    const ports = (rules: Any[] = []) => rules.flatMap((rule) => rule.ports.map(({ port }: Any) => port));
    const demo = folder === 'overlays/demo';
    expect(ports(policy('dns').egress)).toEqual([53, 53]);
    expect(ports(policy('redis').egress)).toEqual([6379]);
    expect(ports(policy('s3').egress)).toEqual([demo ? 7070 : 443]);
    expect(ports(policy('metrics').ingress)).toEqual([9400]);
    if (demo) {
      for (const name of ['redis', 's3']) {
        expect(selected(policy(name).egress[0].to[0].podSelector, folder)).toEqual([name]);
        expect(selected(policy(`to-${name}`).podSelector, folder)).toEqual([name]);
        expect(selected(policy(`to-${name}`).ingress[0].from[0].podSelector, folder)).toEqual(pods);
        expect(ports(policy(`to-${name}`).ingress)).toEqual(ports(policy(name).egress));
      }
    }
  });
});

rendered.each(SCALED)(`%s${skipped}`, (folder) => {
  it('scales each pool by the backlog of its stage, by a recording rule that exists', () => {
    const recorded = rules.groups.flatMap(({ rules }: Any) => rules.map(({ record }: Any) => record));
    const scaled = ofKind('ScaledObject', folder).map(({ spec }) => {
      const { name } = spec.scaleTargetRef;
      const [, rule, stage] = /^max\(([\w:]+)\{stage="(\w+)"\}\)$/.exec(spec.triggers[0].metadata.query)!;
      expect(recorded).toContain(rule);
      expect(rule).toBe('stage:spineline_backlog:jobs');
      expect(name).toBe(`worker-${stage}`);
      expect(spec.triggers).toHaveLength(1);
      return name;
    });
    const pools = ours(folder).map(({ metadata }) => metadata.name);
    expect(scaled.sort()).toEqual(pools.filter((name) => name !== 'exporter').sort());
  });

  it('scales to zero only when there is no work, and not when Prometheus is away', () => {
    for (const { spec } of ofKind('ScaledObject', folder)) {
      expect(spec.minReplicaCount).toBe(0);
      expect(spec.triggers[0].metadata).toMatchObject({ activationThreshold: '0', ignoreNullValues: 'false' });
      // KEDA takes a fallback of 0 for no fallback, and then scales to zero when it gets no answer.
      expect(spec.fallback.replicas).toBeGreaterThan(0);
      expect(spec.fallback.behavior).toBe('currentReplicasIfHigher');
      expect(spec.cooldownPeriod).toBeGreaterThanOrEqual(300);
    }
  });

  it('lets the feeder keep enough jobs waiting for the largest pool', () => {
    const { worker } = readSettings({});
    for (const { spec } of ofKind('ScaledObject', folder)) {
      const { threshold } = spec.triggers[0].metadata;
      expect(Number(threshold) * spec.maxReplicaCount).toBeLessThanOrEqual(worker.lowWater);
    }
  });

  it('gives series the job labels that rules and dashboards query', () => {
    const [monitor, ...others] = ofKind('PodMonitor', folder);
    expect(others).toEqual([]);
    const { jobLabel, selector, podMetricsEndpoints } = monitor!.spec;
    const watched = withPods(folder).filter(({ spec }) => selects(selector, spec.template.metadata.labels));
    expect(watched.map(({ spec }) => spec.template.metadata.labels[jobLabel]).sort()).toEqual([
      'spineline-exporter',
      ...STAGES.map(() => 'spineline-worker'),
    ]);
    expect(podMetricsEndpoints).toHaveLength(1);
    for (const container of watched.flatMap(containersOf)) {
      expect(container.ports.map(({ name }: Any) => name)).toContain(podMetricsEndpoints[0].port);
    }
  });
});

rendered(`overlays/gpu${skipped}`, () => {
  it('gives each worker a GPU, and tells it to use it', () => {
    for (const { metadata, spec } of ours('overlays/gpu')) {
      const { containers, tolerations, nodeSelector } = spec.template.spec;
      const worker = metadata.name !== 'exporter';
      expect(containers[0].resources.limits['nvidia.com/gpu']).toBe(worker ? 1 : undefined);
      expect(Boolean(nodeSelector && tolerations)).toBe(worker);
      if (worker) {
        const settings = readSettings(environment(containers[0], 'overlays/gpu')).worker;
        expect(settings).toMatchObject({ executionProvider: 'cuda', inferenceThreads: 1 });
      }
    }
  });
});

rendered(`overlays/demo${skipped}`, () => {
  const container = (name: string) =>
    withPods('overlays/demo').find(({ metadata }) => metadata.name === name)!.spec.template.spec.containers[0];

  it('runs Redis and the S3 server as docker-compose.yml does', () => {
    const { redis, s3 } = compose.services;
    const words = redis.command.map((word: string) => word.replace(/^\$\{\w+:-(.*)\}$/, '$1'));
    const withoutPassword = (all: string[]) => all.slice(0, -1);
    expect(container('redis')).toMatchObject({ image: redis.image, command: redis.entrypoint });
    expect(withoutPassword(container('redis').args)).toEqual(withoutPassword(words));
    const [, built] = /^FROM versity\S+ AS s3$[\s\S]*?^ENV (.+)$/m.exec(dockerfile)!;
    const values = container('s3').env.flatMap(({ name, value }: Any) => (value ? [[name, value]] : []));
    const { ROOT_ACCESS_KEY_ID: _id, ROOT_SECRET_ACCESS_KEY: _secret, ...set } = s3.environment;
    expect(Object.fromEntries(values)).toEqual({
      ...set,
      ...Object.fromEntries(built!.split(' ').map((one) => one.split('='))),
    });
  });

  it('needs no operator', () => {
    const kinds = manifests('overlays/demo').map(({ apiVersion }) => apiVersion.split('/')[0]);
    expect(kinds.filter((group) => /keda|coreos/.test(group!))).toEqual([]);
  });

  it('points at its own services', () => {
    const { storeUrl, s3 } = readSettings(environment(container('worker-stage1'), 'overlays/demo'));
    const ports = Object.fromEntries(
      ofKind('Service', 'overlays/demo').map(({ metadata, spec }) => [metadata.name, spec.ports[0].port]),
    );
    expect(s3.endpoint).toBe(`http://s3:${ports.s3}`);
    expect(storeUrl).toMatch(/^s3:\/\/spineline\//);
    expect(docs).toContain(`@redis:${ports.redis}/0`);
  });

  it('mounts the dataset where the workers read it and the job writes it', () => {
    const mounts = withPods('overlays/demo').filter(({ spec }) =>
      spec.template.spec.volumes.some(
        ({ persistentVolumeClaim: claim }: Any) => claim?.claimName === 'spineline-datasets' && claim.readOnly,
      ),
    );
    expect(mounts.map(({ metadata }) => metadata.name)).toEqual(['worker-stage1', 'worker-stage2']);
    const [job] = manifests('jobs/phantom');
    const [made, enqueued] = containersOf(job!).map(({ args }) => args);
    expect([made.slice(0, 2), enqueued.slice(0, 2)]).toEqual([
      ['phantom', '/datasets/phantom'],
      ['enqueue', '/datasets/phantom'],
    ]);
  });
});

it.skipIf(missing)('the jobs use settings and secrets that the overlays have', () => {
  for (const { env, envFrom } of JOBS.flatMap(ours).flatMap(({ spec }) => spec.template.spec.containers)) {
    expect(readSettings(environment({ env, envFrom }, 'overlays/cpu')).storeUrl).toMatch(/^s3:/);
  }
});

it.skipIf(schemasMissing)('prometheus-rules.sh makes PrometheusRules of the rules of deploy/prometheus', async () => {
  const { status, stdout, stderr } = spawnSync(`${k8s}prometheus-rules.sh`, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  const made = parseAllDocuments(stdout).map((document) => document.toJS());
  expect(made.map(({ metadata }) => metadata.name)).toContain('spineline-recording');
  for (const rule of made) {
    expect(await faults(rule)).toEqual([]);
    const file = `${root}deploy/prometheus/rules/${rule.metadata.name.replace('spineline-', '')}.yml`;
    expect(rule.spec).toEqual(parse(await readFile(file, 'utf8')));
  }
});

it('docs/kubernetes.md names paths that exist', () => {
  const paths = [...docs.matchAll(/\bdeploy\/(?!exporter\b)[\w./-]*[\w-]/g)].map(([path]) => path);
  expect(paths.length).toBeGreaterThan(5);
  expect(paths.filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
});

it.skipIf(missing)('docs/kubernetes.md has an overlay that can be rendered', async () => {
  const [, text] = /^```yaml\n(.+?)^```/ms.exec(docs)!;
  await inFolder(async (folder) => {
    const here = text!.replace('../spineline', relative(folder, root));
    await writeFile(join(folder, 'kustomization.yaml'), here);
    const rendered = render(folder);
    for (const manifest of rendered) expect(await faults(manifest)).toEqual([]);
    const images = rendered.filter(({ kind }) => kind === 'Deployment').flatMap(containersOf);
    for (const { image } of images) expect(image).toMatch(/^registry\.example\.org\/spineline\/[\w-]+:0\.1\.0$/);
  });
});

it.skipIf(missing)('the schema check refuses values of the wrong type and unknown fields', async () => {
  const [settings] = ofKind('ConfigMap', 'overlays/gpu');
  settings!.data.SPINELINE_GRACE_MS = 60_000;
  expect((await faults(settings!)).join()).toMatch(/must be string/);
  const [workload] = ofKind('Deployment', 'overlays/gpu');
  workload!.spec.template.spec.containers[0].livenessProbe.httpGet.route = '/livez';
  expect((await faults(workload!)).join()).toMatch(/no field .*\/httpGet\/route/);
});
