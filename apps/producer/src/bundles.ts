/** Which bundle each stage of a new run is pinned to: the shipped demo bundles unless `--models` says otherwise. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '@spineline/shared/domain';
import {
  type Bundle,
  type BundleOf,
  type BundlePin,
  bundleDigest,
  bundleOfStage,
  pushBundle,
  readBundleFolder,
  readBundleManifest,
  readStoredManifest,
  type Stage,
} from '@spineline/shared/models';
import type { ObjectStore } from '@spineline/shared/store';

/** The folder of the bundles that come with spineline. */
export const DEMO_BUNDLES = fileURLToPath(new URL('../../../models/demo', import.meta.url));

export interface PinnedBundles {
  readonly bundles: { readonly stage1: BundlePin; readonly stage2: BundlePin; readonly stage3: BundlePin };
  /** The bundles' notices, each once. */
  readonly notice: string;
}

/**
 * Pins the bundles of a run by digest. A bundle in a folder is put into the store first.
 *
 * @param choices `stage3=bundle@version` (in the store) or `stage3=./folder`.
 * @throws {ConfigError} for a choice of another form, {@link BundleError} for a bundle that is not there.
 */
export async function pinBundles(store: ObjectStore, choices: readonly string[]): Promise<PinnedBundles> {
  const chosen = new Map(choices.map(parseChoice));
  const notices = new Set<string>();
  const pin = async (stage: Stage): Promise<BundlePin> => {
    const { bundle, pin } = await find(store, chosen.get(stage) ?? join(DEMO_BUNDLES, `stage${stage}`), stage);
    if (bundle.notice) notices.add(bundle.notice);
    return pin;
  };
  const bundles = { stage1: await pin(1), stage2: await pin(2), stage3: await pin(3) };
  return { bundles, notice: [...notices].join(' ') };
}

/**
 * The manifests alone, for a command that needs their settings and no model.
 *
 * @param stored opens the store for `bundle@version`; folders need none.
 */
export async function readManifests(
  choices: readonly string[],
  stored: (name: string, version: string) => Promise<Bundle>,
): Promise<{ readonly [S in Stage]: { bundle: BundleOf<S>; pin: BundlePin } }> {
  const chosen = new Map(choices.map(parseChoice));
  const read = async <S extends Stage>(stage: S) => {
    const where = chosen.get(stage) ?? join(DEMO_BUNDLES, `stage${stage}`);
    const name = storedName(where);
    const bundle = bundleOfStage(name ? await stored(...name) : await readBundleManifest(where), stage) as BundleOf<S>;
    return { bundle, pin: { name: bundle.name, version: bundle.version, digest: bundleDigest(bundle) } };
  };
  return { 1: await read(1), 2: await read(2), 3: await read(3) };
}

/** Name and version of `bundle@version`; undefined for anything else, which is then a folder. */
export function storedName(text: string): [name: string, version: string] | undefined {
  const match = /^([a-z0-9][a-z0-9-]*)@([^/@]+)$/.exec(text);
  return match ? [match[1]!, match[2]!] : undefined;
}

function parseChoice(choice: string): [Stage, string] {
  const match = /^stage([123])=(.+)$/.exec(choice);
  if (!match) {
    throw new ConfigError(`--models ${choice} names no bundle`, {
      expected: 'stage1=bundle@version, stage2=..., stage3=..., or a folder in place of bundle@version',
    });
  }
  return [Number(match[1]) as Stage, match[2]!];
}

async function find(store: ObjectStore, where: string, stage: Stage): Promise<{ bundle: Bundle; pin: BundlePin }> {
  const stored = storedName(where);
  if (stored) {
    const bundle = await readStoredManifest(store, ...stored);
    bundleOfStage(bundle, stage);
    return { bundle, pin: { name: bundle.name, version: bundle.version, digest: bundleDigest(bundle) } };
  }
  const loaded = await readBundleFolder(where);
  bundleOfStage(loaded.bundle, stage);
  return { bundle: loaded.bundle, pin: await pushBundle(store, loaded) };
}
