/**
 * Checks files that are not TypeScript against the list of stages (packages/shared/domain/stages.ts): every stage must
 * have a worker, a demo bundle, a container image and a place on the cluster. The compiler finds the places in
 * TypeScript.
 */

import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { STAGE_NAMES, type Stage } from '../packages/shared/domain/stages.ts';

interface Place {
  /** A file, which may name the stage as `{stage}`. */
  readonly file: string;
  /** Text that the file must contain, if it is not enough that the file exists. */
  readonly has?: (stage: Stage) => string;
  readonly what: string;
}

const PLACES: readonly Place[] = [
  { file: 'apps/worker-{stage}/package.json', what: 'the workspace of the worker' },
  { file: 'apps/worker-{stage}/src/main.ts', what: 'starts the worker' },
  { file: 'apps/worker-{stage}/src/process.ts', what: 'what the worker does with one study' },
  {
    file: 'apps/producer/package.json',
    has: (stage) => `"@spineline/worker-${stage}"`,
    what: '`score` starts the worker',
  },
  { file: 'models/demo/{stage}/bundle.json', what: 'the bundle that runs use unless another is chosen' },
  { file: 'Dockerfile', has: (stage) => ` AS worker-${stage}`, what: 'the image of the worker' },
  { file: 'docker-compose.yml', has: (stage) => `  worker-${stage}:`, what: 'the service of the worker' },
  { file: 'docker-compose.gpu.yml', has: (stage) => `  worker-${stage}:`, what: 'the service of the worker on a GPU' },
  {
    file: 'deploy/prometheus/prometheus.yml',
    has: (stage) => `worker-${stage}`,
    what: 'Prometheus scrapes the worker',
  },
  { file: 'deploy/k8s/base/{stage}/kustomization.yaml', what: 'the pool on Kubernetes' },
  { file: 'deploy/k8s/base/kustomization.yaml', has: (stage) => `- ${stage}`, what: 'the pool is part of the base' },
  {
    file: 'deploy/k8s/components/autoscaling/scaled-objects.yaml',
    has: (stage) => `stage="${stage}"`,
    what: 'the pool scales with its queue',
  },
  {
    file: 'deploy/k8s/overlays/gpu/kustomization.yaml',
    has: (stage) => `worker-${stage}`,
    what: 'the GPU image of the pool',
  },
];

const root = fileURLToPath(new URL('..', import.meta.url));
const faults: string[] = [];

for (const stage of STAGE_NAMES) {
  for (const { file, has, what } of PLACES) {
    const path = file.replace('{stage}', stage);
    const text = has?.(stage);
    if (!existsSync(root + path)) faults.push(`${path}: missing (${what})`);
    else if (text && !readFileSync(root + path, 'utf8').includes(text))
      faults.push(`${path}: no \`${text.trim()}\` (${what})`);
  }
}
const known = new Set<string>(STAGE_NAMES);
for (const folder of globSync('apps/worker-*', { cwd: root })) {
  const stage = folder.replace(/^.*worker-/, '');
  if (!known.has(stage)) faults.push(`${folder}: a worker of a stage that domain/stages.ts does not list`);
}

if (faults.length > 0) {
  console.error('Stages in domain/stages.ts and the rest of the repository differ (docs/adding.md, "A stage"):');
  for (const fault of faults) console.error(`  ${fault}`);
  process.exitCode = 1;
}
