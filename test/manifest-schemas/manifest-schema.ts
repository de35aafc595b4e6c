/**
 * Checks manifests against the schemas of Kubernetes, KEDA and the Prometheus operator. The npm packages with the schemas
 * are installed in this folder, apart from all others.
 */

import { existsSync } from 'node:fs';
import type { Manifest } from '../support/kustomize.ts';

/** Why no manifest can be checked; undefined if it can. */
export const schemasMissing = existsSync(new URL('node_modules/kubernetes-models', import.meta.url))
  ? undefined
  : 'the schemas of test/manifest-schemas are not installed: npm run setup';

/** Packages of API groups that are not Kubernetes' own. */
const PACKAGES: Record<string, string> = {
  'keda.sh': '@kubernetes-models/keda',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
};

interface Model {
  readonly prototype: { validate(this: unknown): void };
}

/** What is wrong with a manifest: values that its schema refuses, and fields that it does not have. */
export async function faults(manifest: Manifest): Promise<string[]> {
  const { apiVersion, kind } = manifest;
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
  const { [kind]: KindModel } = (await import(
    `${PACKAGES[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}`
  )) as Record<string, Model>;
  const seen = new Set<string>();
  const found: string[] = [];
  try {
    // Not of an instance: its constructor would copy, and look at everything.
    KindModel!.prototype.validate.call(watched(manifest, '', seen));
  } catch (error) {
    found.push((error as Error).message);
  }
  if (found.length === 0) found.push(...unseen(manifest, '', seen).map((path) => `there is no field ${path}`));
  return found;
}

/**
 * The schemas allow fields that they do not name, which the API server refuses. But what they name they look at: this
 * notes the paths that were looked at.
 */
function watched<T extends object>(value: T, path: string, seen: Set<string>): T {
  return new Proxy(value, {
    get(object, key, receiver) {
      const member = Reflect.get(object, key, receiver);
      if (typeof key !== 'string') return member;
      seen.add(`${path}/${key}`);
      return typeof member === 'object' && member !== null ? watched(member, `${path}/${key}`, seen) : member;
    },
  });
}

function unseen(value: unknown, path: string, seen: ReadonlySet<string>): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    seen.has(`${path}/${key}`) ? unseen(member, `${path}/${key}`, seen) : [`${path}/${key}`],
  );
}
