/**
 * Which bundle each stage of a new run is pinned to: what `--models` says, else the one that is promoted in the store,
 * else the shipped demo bundle.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BundleError, ConfigError } from '@spineline/shared/domain';
import {
  type Bundle,
  type BundleOf,
  type BundlePin,
  bundleDigest,
  bundleOfStage,
  pushBundle,
  readBundleFolder,
  readBundleManifest,
  readPinnedManifest,
  readPromotion,
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
 * @param choices `stage3=bundle@version` (in the store) or `stage3=./folder`; of a stage without one the promoted bundle
 *   is used, or the demo bundle.
 * @throws {ConfigError} for a choice of another form, {@link BundleError} for a bundle that is not there, and
 *   `BUNDLE_DIGEST_MISMATCH` for one that is no longer what was promoted.
 */
export async function pinBundles(store: ObjectStore, choices: readonly string[]): Promise<PinnedBundles> {
  const chosen = new Map(choices.map(parseChoice));
  const notices = new Set<string>();
  const pin = async (stage: Stage): Promise<BundlePin> => {
    const choice = chosen.get(stage);
    const { bundle, pin } = choice ? await find(store, choice, stage) : await findDefault(store, stage);
    if (bundle.notice) notices.add(bundle.notice);
    return pin;
  };
  const bundles = { stage1: await pin(1), stage2: await pin(2), stage3: await pin(3) };
  return { bundles, notice: [...notices].join(' ') };
}

/**
 * The manifests alone, for a command that needs their settings and no model; the demo bundles' where none is named.
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

async function findDefault(store: ObjectStore, stage: Stage): Promise<{ bundle: Bundle; pin: BundlePin }> {
  const { current } = await readPromotion(store, stage);
  if (!current) return find(store, join(DEMO_BUNDLES, `stage${stage}`), stage);
  const { name, version, digest } = current;
  const pin = { name, version, digest };
  try {
    return { bundle: bundleOfStage(await readPinnedManifest(store, pin), stage), pin };
  } catch (cause) {
    if (!(cause instanceof BundleError)) throw cause;
    throw new BundleError(
      cause.code,
      `${cause.summary}, and it is promoted for stage ${stage}`,
      {
        ...cause.context,
        hint: `promote another (spineline models promote), or go back to the demo bundle: spineline models demote stage${stage}`,
      },
      { cause },
    );
  }
}
