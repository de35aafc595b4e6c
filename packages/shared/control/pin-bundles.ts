/**
 * Which bundle a new run pins for each stage: the one that `--models` names, else the one that is promoted in the
 * store, else the demo bundle.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BundleError,
  ConfigError,
  type NumberOfStage,
  perStage,
  STAGE_NAMES,
  STAGES,
  type Stage,
} from '../domain/index.ts';
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
} from '../models/index.ts';
import type { RunRecord } from '../runs/index.ts';
import type { ObjectStore } from '../store/index.ts';

/** The folder of the bundles that come with spineline. */
export const DEMO_BUNDLES = fileURLToPath(new URL('../../../models/demo', import.meta.url));

export interface PinnedBundles {
  readonly bundles: Readonly<Record<Stage, BundlePin>>;
  /** The notices of the bundles, without repetition. */
  readonly notice: string;
  /** The crop windows, sizes and normalisation of the severity bundle. */
  readonly crops: BundleOf<3>['crops'];
}

export interface PinOptions {
  /** Pins of an old run. For a stage without a choice they are used in place of the promoted bundle. */
  readonly base?: RunRecord['bundles'];
  /** Change nothing in the store: a bundle in a folder is read but not pushed. */
  readonly dryRun?: boolean;
}

/**
 * Pins the bundles of a run by digest. A bundle in a folder is pushed into the store first.
 *
 * @param choices `stage3=bundle@version` (in the store) or `stage3=./folder`. A stage without a choice gets the
 *   promoted bundle, else the demo bundle.
 * @throws {ConfigError} for a choice of another form. @throws {BundleError} for a bundle that does not exist;
 *   `BUNDLE_DIGEST_MISMATCH` for a bundle that has changed since it was promoted.
 */
export async function pinBundles(
  store: ObjectStore,
  choices: readonly string[],
  { base, dryRun = false }: PinOptions = {},
): Promise<PinnedBundles> {
  const chosen = new Map(choices.map(parseChoice));
  const pin = async (stage: Stage): Promise<PinnedBundle> => {
    const choice = chosen.get(stage);
    if (choice) return find(store, choice, stage, dryRun);
    if (!base) return findDefault(store, stage, dryRun);
    const kept = base[stage];
    return { bundle: bundleOfStage(await readPinnedManifest(store, kept), STAGES[stage].number), pin: kept };
  };
  const found = await eachStage(pin);
  const severity = bundleOfStage(found.stage3.bundle, 3);
  const notices = new Set(STAGE_NAMES.map((stage) => found[stage].bundle.notice).filter((notice) => notice !== ''));
  return {
    bundles: perStage((stage) => found[stage].pin),
    notice: [...notices].join(' '),
    crops: severity.crops,
  };
}

interface PinnedBundle<B extends Bundle = Bundle> {
  readonly bundle: B;
  readonly pin: BundlePin;
}

/** Makes one after the other, so that the error is that of the first stage with a fault. */
async function eachStage<T>(make: (stage: Stage) => Promise<T>): Promise<Record<Stage, T>> {
  const made: Partial<Record<Stage, T>> = {};
  for (const stage of STAGE_NAMES) made[stage] = await make(stage);
  return made as Record<Stage, T>;
}

/** The stages that `--models` names. @throws {ConfigError} for a choice of another form. */
export function stagesChosen(choices: readonly string[]): Stage[] {
  return choices.map((choice) => parseChoice(choice)[0]);
}

/**
 * The bundle manifests alone, for a command that needs their settings and no model. A stage without a choice gets the
 * demo bundle.
 *
 * @param stored reads a `bundle@version` from the store; not called for folders.
 */
export async function readManifests(
  choices: readonly string[],
  stored: (name: string, version: string) => Promise<Bundle>,
): Promise<{ readonly [S in Stage]: PinnedBundle<BundleOf<NumberOfStage<S>>> }> {
  const chosen = new Map(choices.map(parseChoice));
  const read = async (stage: Stage): Promise<PinnedBundle> => {
    const where = chosen.get(stage) ?? join(DEMO_BUNDLES, stage);
    const name = storedName(where);
    const found = name ? await stored(...name) : await readBundleManifest(where);
    const bundle = bundleOfStage(found, STAGES[stage].number);
    return { bundle, pin: { name: bundle.name, version: bundle.version, digest: bundleDigest(bundle) } };
  };
  return (await eachStage(read)) as { readonly [S in Stage]: PinnedBundle<BundleOf<NumberOfStage<S>>> };
}

/** Name and version of `bundle@version`; undefined for anything else, which is then a folder. */
export function storedName(text: string): [name: string, version: string] | undefined {
  const match = /^([a-z0-9][a-z0-9-]*)@([^/@]+)$/.exec(text);
  return match ? [match[1]!, match[2]!] : undefined;
}

function parseChoice(choice: string): [Stage, string] {
  const [, name, where] = /^(\w+)=(.+)$/.exec(choice) ?? [];
  const stage = STAGE_NAMES.find((one) => one === name);
  if (!stage || where === undefined) {
    throw new ConfigError(`--models ${choice} names no bundle`, {
      expected: `STAGE=bundle@version or STAGE=FOLDER, where STAGE is ${STAGE_NAMES.join(', ')}`,
    });
  }
  return [stage, where];
}

async function find(store: ObjectStore, where: string, stage: Stage, dryRun: boolean): Promise<PinnedBundle> {
  const stored = storedName(where);
  if (stored) {
    const bundle = bundleOfStage(await readStoredManifest(store, ...stored), STAGES[stage].number);
    return { bundle, pin: { name: bundle.name, version: bundle.version, digest: bundleDigest(bundle) } };
  }
  const loaded = await readBundleFolder(where);
  const bundle = bundleOfStage(loaded.bundle, STAGES[stage].number);
  const { name, version } = bundle;
  return { bundle, pin: dryRun ? { name, version, digest: loaded.digest } : await pushBundle(store, loaded) };
}

async function findDefault(store: ObjectStore, stage: Stage, dryRun: boolean): Promise<PinnedBundle> {
  const { current } = await readPromotion(store, STAGES[stage].number);
  if (!current) return find(store, join(DEMO_BUNDLES, stage), stage, dryRun);
  const { name, version, digest } = current;
  const pin = { name, version, digest };
  try {
    return { bundle: bundleOfStage(await readPinnedManifest(store, pin), STAGES[stage].number), pin };
  } catch (cause) {
    if (!(cause instanceof BundleError)) throw cause;
    throw new BundleError(
      cause.code,
      `${cause.summary}, and it is promoted for stage ${STAGES[stage].number}`,
      {
        ...cause.context,
        hint: `promote another (spineline models promote), or go back to the demo bundle: spineline models demote ${stage}`,
      },
      { cause },
    );
  }
}
