/**
 * Bundles at rest: as a folder on disk, and in the object store at `models/<name>/<version>/`. Reading either checks
 * every member's size and SHA-256 against the manifest, so that a damaged model is refused and never run.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError, ObjectNotFoundError } from '../domain/index.ts';
import { bundleFileKey, bundleKey, MODELS_FOLDER, type ObjectStore } from '../store/index.ts';
import { type Bundle, bundleDigest, membersOf, parseBundle, type Stage } from './bundle.ts';

/** A manifest with its digest and, by file name, the verified bytes of its members. */
export interface LoadedBundle {
  readonly bundle: Bundle;
  readonly digest: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** What a run pins for a stage. */
export interface BundlePin {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
}

/** Reads the manifest of a bundle folder; members are not touched. */
export async function readBundleManifest(folder: string): Promise<Bundle> {
  const file = join(folder, 'bundle.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new BundleError('BUNDLE_MISSING', `no bundle in ${folder}`, { expected: 'a bundle.json there' }, { cause });
  }
  return parseBundle(text, file);
}

/** Reads a bundle folder whole. @throws {BundleError} if the manifest or a member does not fit. */
export async function readBundleFolder(folder: string): Promise<LoadedBundle> {
  const bundle = await readBundleManifest(folder);
  return loadMembers(bundle, folder, (file) =>
    readFile(join(folder, file)).catch((cause: unknown) => {
      throw new BundleError('BUNDLE_MEMBER_MISSING', `${folder} lacks ${file}`, {}, { cause });
    }),
  );
}

/** Every bundle folder directly below `folder`, in name order; empty if the folder is not there. */
export async function findBundleFolders(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const found: string[] = [];
  for (const name of names.sort()) {
    if (await stat(join(folder, name, 'bundle.json')).catch(() => undefined)) found.push(join(folder, name));
  }
  return found;
}

/**
 * Puts a bundle into the store, members first and the manifest last. Immutable: the same bundle again is nothing to do,
 * another bundle under the same name and version is refused.
 *
 * @throws {BundleError} `BUNDLE_VERSION_TAKEN`.
 */
export async function pushBundle(store: ObjectStore, loaded: LoadedBundle): Promise<BundlePin> {
  const { bundle, digest } = loaded;
  const pin = { name: bundle.name, version: bundle.version, digest };
  const manifestKey = bundleKey(bundle.name, bundle.version);
  if (await store.head(manifestKey)) {
    const there = parseBundle(new TextDecoder().decode(await store.get(manifestKey)), manifestKey);
    if (bundleDigest(there) === digest) return pin;
    throw new BundleError('BUNDLE_VERSION_TAKEN', `another bundle is stored as ${bundle.name}@${bundle.version}`, {
      expected: `digest ${digest}`,
      found: `digest ${bundleDigest(there)}`,
      hint: 'give the new bundle a new version',
    });
  }
  for (const [file, bytes] of loaded.files) await store.put(bundleFileKey(bundle.name, bundle.version, file), bytes);
  await store.put(manifestKey, `${JSON.stringify(bundle, null, 2)}\n`, { contentType: 'application/json' });
  return pin;
}

/** Reads a stored bundle's manifest. @throws {BundleError} `BUNDLE_MISSING` naming what is stored instead. */
export async function readStoredManifest(store: ObjectStore, name: string, version: string): Promise<Bundle> {
  const key = bundleKey(name, version);
  try {
    return parseBundle(new TextDecoder().decode(await store.get(key)), key);
  } catch (cause) {
    if (!(cause instanceof ObjectNotFoundError)) throw cause;
    throw new BundleError('BUNDLE_MISSING', `no bundle ${name}@${version} in the store`, {
      hint: '`spineline models list` shows what there is',
    });
  }
}

/**
 * Reads the manifest that a run pinned.
 *
 * @throws {BundleError} `BUNDLE_DIGEST_MISMATCH` if the stored bundle is not the one that was pinned.
 */
export async function readPinnedManifest(store: ObjectStore, pin: BundlePin): Promise<Bundle> {
  const bundle = await readStoredManifest(store, pin.name, pin.version);
  const digest = bundleDigest(bundle);
  if (digest === pin.digest) return bundle;
  throw new BundleError('BUNDLE_DIGEST_MISMATCH', `stored bundle ${pin.name}@${pin.version} is not the pinned one`, {
    expected: `digest ${pin.digest}`,
    found: `digest ${digest}`,
  });
}

/** Reads a pinned bundle whole. @throws {BundleError} as {@link readPinnedManifest}, and if a member is not whole. */
export async function readStoredBundle(store: ObjectStore, pin: BundlePin): Promise<LoadedBundle> {
  const bundle = await readPinnedManifest(store, pin);
  return loadMembers(bundle, `${pin.name}@${pin.version}`, (file) =>
    store.get(bundleFileKey(pin.name, pin.version, file)).catch((cause: unknown) => {
      if (!(cause instanceof ObjectNotFoundError)) throw cause;
      throw new BundleError(
        'BUNDLE_MEMBER_MISSING',
        `stored bundle ${pin.name}@${pin.version} lacks ${file}`,
        {},
        { cause },
      );
    }),
  );
}

/** Every stored bundle's manifest, by name and version. */
export async function listStoredBundles(store: ObjectStore): Promise<Bundle[]> {
  const bundles: Bundle[] = [];
  for await (const { key } of store.list(MODELS_FOLDER)) {
    if (!key.endsWith('/bundle.json')) continue;
    bundles.push(parseBundle(new TextDecoder().decode(await store.get(key)), key));
  }
  return bundles;
}

/** A bundle that must be of one stage. @throws {BundleError} `BUNDLE_WRONG_STAGE`. */
export function bundleOfStage<S extends Stage>(bundle: Bundle, stage: S): Extract<Bundle, { stage: S }> {
  if (bundle.stage !== stage) {
    throw new BundleError('BUNDLE_WRONG_STAGE', `bundle ${bundle.name}@${bundle.version} is for another stage`, {
      expected: `stage ${stage}`,
      found: `stage ${bundle.stage}`,
    });
  }
  return bundle as Extract<Bundle, { stage: S }>;
}

async function loadMembers(
  bundle: Bundle,
  where: string,
  read: (file: string) => Promise<Uint8Array>,
): Promise<LoadedBundle> {
  const files = new Map<string, Uint8Array>();
  for (const { member } of membersOf(bundle)) {
    const bytes = await read(member.file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (bytes.byteLength !== member.bytes || sha256 !== member.sha256) {
      throw new BundleError('BUNDLE_MEMBER_DAMAGED', `${where}: ${member.file} is not what the manifest promises`, {
        expected: `${member.bytes} bytes, SHA-256 ${member.sha256}`,
        found: `${bytes.byteLength} bytes, SHA-256 ${sha256}`,
      });
    }
    files.set(member.file, bytes);
  }
  return { bundle, digest: bundleDigest(bundle), files };
}
