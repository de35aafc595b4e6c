/** The manifests of deploy/k8s as they reach a cluster: rendered by kustomize, or by kubectl, which contains it. */

import { spawnSync } from 'node:child_process';
import { parseAllDocuments } from 'yaml';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  // What is in it depends on its kind.
  // oxlint-disable-next-line typescript/no-explicit-any -- a manifest is looked into by paths, and validated by schemas of its own
  [member: string]: any;
}

const KUSTOMIZE = [
  { version: ['kustomize', 'version'], build: ['kustomize', 'build'] },
  { version: ['kubectl', 'version', '--client'], build: ['kubectl', 'kustomize'] },
].find(({ version: [program, ...parameters] }) => {
  const { stdout } = spawnSync(program!, parameters, { encoding: 'utf8' });
  return /^(?:Kustomize Version: )?v?[5-9]\./m.test(stdout ?? '');
});

/** Why nothing can be rendered here, for `describe.skipIf`; `undefined` when it can. */
export const kustomizeMissing = KUSTOMIZE ? undefined : 'neither kustomize 5 nor a kubectl with it is installed';

const rendered = new Map<string, readonly Manifest[]>();

/** The manifests of a folder with a kustomization.yaml, a copy for each caller. @throws {Error} with what kustomize says. */
export function render(folder: string): Manifest[] {
  const manifests = rendered.get(folder) ?? build(folder);
  rendered.set(folder, manifests);
  return structuredClone([...manifests]);
}

function build(folder: string): Manifest[] {
  const [program, ...parameters] = KUSTOMIZE!.build;
  const { status, stdout, stderr } = spawnSync(program!, [...parameters, folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`kustomize refuses ${folder}:\n${stderr}`);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}
