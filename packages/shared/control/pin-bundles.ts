/**
 * Which bundle each stage of a new run is pinned to: what `--models` says, else the one that is promoted in the store,
 * else the shipped demo bundle.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BundleError, ConfigError, type StageNumber, type Stage } from '../domain/index.ts';
import { type Bundle, type BundleOf, type BundlePin, bundleDigest, bundleOfStage, pushBundle, readBundleFolder, readBundleManifest, readPinnedManifest, readPromotion, readStoredManifest } from '../models/index.ts';
import type { RunRecord } from '../runs/index.ts';
import type { ObjectStore } from '../store/index.ts';

/** The folder of the bundles that come with spineline. */
export const DEMO_BUNDLES = fileURLToPath(new URL('../../../models/demo', import.meta.url));

export interface PinnedBundles {
  readonly bundles: Readonly<Record<Stage, BundlePin>>;
  /** The bundles' notices, each once. */
  readonly notice: string;
  /** The crop windows, sizes and normalisation of the severity bundle. */
  readonly crops: BundleOf<3>['crops'];
}

export interface PinOptions {
  /** Pins of a run that is there: used where nothing is chosen, in place of what is promoted. */
  readonly base?: RunRecord['bundles'];
  /** Leave the store as it is: a bundle in a folder is read and not put into it. */
  readonly dryRun?: boolean;
}

/**
 * Pins the bundles of a run by digest. A bundle in a folder is put into the store first.
 *
 * @param choices `stage3=bundle@version` (in the store) or `stage3=./folder`; of a stage without one the promoted bundle
 *   is used, or the demo bundle.
 * @throws {ConfigError} for a choice of another form, {@link BundleError} for a bundle that is not there, and
 *   `BUNDLE_DIGEST_MISMATCH` for one that is no longer what was promoted.
 */
export async function pinBundles(
  store: ObjectStore,
  choices: readonly string[],
  { base, dryRun = false }: PinOptions = {},
): Promise<PinnedBundles> {
  const chosen = new Map(choices.map(parseChoice));
  const pin = async <S extends StageNumber>(stage: S): Promise<{ bundle: BundleOf<S>; pin: BundlePin }> => {
    const choice = chosen.get(stage);
    if (choice) return find(store, choice, stage, dryRun);
    if (!base) return findDefault(store, stage, dryRun);
    const kept = base[`stage${stage}`];
    return { bundle: bundleOfStage(await readPinnedManifest(store, kept), stage) as BundleOf<S>, pin: kept };
  };
  const [one, two, three] = [await pin(1), await pin(2), await pin(3)];
  const notices = new Set([one, two, three].map(({ bundle }) => bundle.notice).filter((notice) => notice !== ''));
  return {
    bundles: { stage1: one.pin, stage2: two.pin, stage3: three.pin },
    notice: [...notices].join(' '),
    crops: three.bundle.crops,
  };
}

/** The stages that `--models` names. @throws {ConfigError} for a choice of another form. */
export function stagesChosen(choices: readonly string[]): StageNumber[] {
  return choices.map((choice) => parseChoice(choice)[0]);
}

/**
 * The manifests alone, for a command that needs their settings and no model; the demo bundles' where none is named.
 *
 * @param stored opens the store for `bundle@version`; folders need none.
 */
export async function readManifests(
  choices: readonly string[],
  stored: (name: string, version: string) => Promise<Bundle>,
): Promise<{ readonly [S in StageNumber]: { bundle: BundleOf<S>; pin: BundlePin } }> {
  const chosen = new Map(choices.map(parseChoice));
  const read = async <S extends StageNumber>(stage: S) => {
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

function parseChoice(choice: string): [StageNumber, string] {
  const match = /^stage([123])=(.+)$/.exec(choice);
  if (!match) {
    throw new ConfigError(`--models ${choice} names no bundle`, {
      expected: 'stage1=bundle@version, stage2=..., stage3=..., or a folder in place of bundle@version',
    });
  }
  return [Number(match[1]) as StageNumber, match[2]!];
}

async function find<S extends StageNumber>(
  store: ObjectStore,
  where: string,
  stage: S,
  dryRun: boolean,
): Promise<{ bundle: BundleOf<S>; pin: BundlePin }> {
  const stored = storedName(where);
  if (stored) {
    const bundle = bundleOfStage(await readStoredManifest(store, ...stored), stage) as BundleOf<S>;
    return { bundle, pin: { name: bundle.name, version: bundle.version, digest: bundleDigest(bundle) } };
  }
  const loaded = await readBundleFolder(where);
  const bundle = bundleOfStage(loaded.bundle, stage) as BundleOf<S>;
  const { name, version } = bundle;
  return { bundle, pin: dryRun ? { name, version, digest: loaded.digest } : await pushBundle(store, loaded) };
}

async function findDefault<S extends StageNumber>(
  store: ObjectStore,
  stage: S,
  dryRun: boolean,
): Promise<{ bundle: BundleOf<S>; pin: BundlePin }> {
  const { current } = await readPromotion(store, stage);
  if (!current) return find(store, join(DEMO_BUNDLES, `stage${stage}`), stage, dryRun);
  const { name, version, digest } = current;
  const pin = { name, version, digest };
  try {
    return { bundle: bundleOfStage(await readPinnedManifest(store, pin), stage) as BundleOf<S>, pin };
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
