/**
 * The part of kustomize that deploy/k8s uses, so that its manifests can be checked where there is no kustomize. Whatever
 * is not used is refused, rather than rendered otherwise than kustomize would.
 */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  // What is in it depends on its kind.
  // biome-ignore lint/suspicious/noExplicitAny: a manifest is looked into by paths, and validated by schemas of its own
  [member: string]: any;
}

const target = z.strictObject({ kind: z.string(), name: z.string() });
const Kustomization = z.strictObject({
  apiVersion: z.string(),
  kind: z.enum(['Kustomization', 'Component']),
  resources: z.array(z.string()).default([]),
  components: z.array(z.string()).default([]),
  patches: z
    .array(z.union([z.strictObject({ target, patch: z.string() }), z.strictObject({ target, path: z.string() })]))
    .default([]),
  namespace: z.string().optional(),
  nameSuffix: z.string().optional(),
  labels: z
    .array(
      z.strictObject({
        pairs: z.record(z.string(), z.string()),
        includeSelectors: z.boolean().default(false),
        includeTemplates: z.boolean().default(false),
      }),
    )
    .default([]),
  images: z
    .array(z.strictObject({ name: z.string(), newName: z.string().optional(), newTag: z.string().optional() }))
    .default([]),
});

/** The manifests of a folder with a kustomization.yaml, in no particular order. */
export function render(folder: string): Manifest[] {
  return add(folder, []);
}

/** What a folder adds to manifests, and makes of them: a component patches those that are there already. */
function add(folder: string, before: readonly Manifest[]): Manifest[] {
  const own = Kustomization.parse(parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')));
  let manifests = [...before, ...own.resources.flatMap((resource) => read(join(folder, resource)))];
  for (const component of own.components) manifests = add(join(folder, component), manifests);
  // In kustomize's order.
  for (const patch of own.patches) {
    const text = 'patch' in patch ? patch.patch : readFileSync(join(folder, patch.path), 'utf8');
    const patched = applyPatch(manifests, patch.target, parse(text));
    // kustomize passes over it in silence; a component may be for more than there is.
    if (patched === 0 && own.kind !== 'Component') throw new Error(`${folder}: nothing is ${patch.target.name}`);
  }
  for (const manifest of manifests) {
    if (own.namespace) setNamespace(manifest, own.namespace);
    if (own.nameSuffix) manifest.metadata.name += own.nameSuffix;
    for (const labels of own.labels) setLabels(manifest, labels);
    for (const image of own.images) setImage(manifest, image);
  }
  return manifests;
}

function read(path: string): Manifest[] {
  if (statSync(path).isDirectory()) return render(path);
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => {
    if (document.errors.length > 0) throw new Error(`${path}: ${document.errors[0]!.message}`);
    return document.toJS();
  });
}

/** A JSON 6902 patch of every manifest that the target names; kustomize's targets are regular expressions. */
function applyPatch(manifests: Manifest[], { kind, name }: z.infer<typeof target>, operations: Operation[]): number {
  if (!Array.isArray(operations)) throw new Error('only JSON 6902 patches are used here');
  const matches = (pattern: string, text: string) => new RegExp(`^(?:${pattern})$`).test(text);
  const targets = manifests.filter((one) => matches(kind, one.kind) && matches(name, one.metadata.name));
  for (const one of targets) {
    // Copied: a value of the patch must not become one object in several manifests.
    fastJsonPatch.applyPatch(one, structuredClone(operations), true);
  }
  return targets.length;
}

function setNamespace(manifest: Manifest, namespace: string): void {
  if (manifest.kind === 'Namespace') manifest.metadata.name = namespace;
  else manifest.metadata.namespace = namespace;
}

function setLabels(
  manifest: Manifest,
  labels: { pairs: Record<string, string>; includeSelectors: boolean; includeTemplates: boolean },
): void {
  manifest.metadata.labels = { ...manifest.metadata.labels, ...labels.pairs };
  const { kind, spec } = manifest;
  if ((labels.includeSelectors || labels.includeTemplates) && spec?.template) {
    Object.assign(spec.template.metadata.labels, labels.pairs);
  }
  if (labels.includeSelectors) {
    if (kind !== 'Deployment' && kind !== 'PodDisruptionBudget')
      throw new Error(`selectors of a ${kind} are not known`);
    Object.assign(spec.selector.matchLabels, labels.pairs);
  }
}

function setImage(manifest: Manifest, image: { name: string; newName?: string; newTag?: string }): void {
  const pod = manifest.spec?.template?.spec;
  for (const container of [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]) {
    const [, name, tag] = /^(.+):([^:/]+)$/.exec(container.image)!;
    if (name === image.name) container.image = `${image.newName ?? name}:${image.newTag ?? tag}`;
  }
}
