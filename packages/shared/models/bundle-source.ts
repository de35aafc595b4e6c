/**
 * Reads and writes bundles: as a folder on disk, and in the object store at `models/<name>/<version>/`. Reading checks
 * the size and SHA-256 of every member against the manifest, so that a damaged model never runs.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError, ObjectNotFoundError, type StageNumber } from '../domain/index.ts';
import { bundleFileKey, bundleKey, bundleOfKey, MODELS_FOLDER, type ObjectStore } from '../store/index.ts';
import { type Bundle, bundleDigest, membersOf, parseBundle } from './bundle.ts';

/** A manifest with its digest and, by file name, the verified bytes of its members. */
export interface LoadedBundle {
  readonly bundle: Bundle;
  readonly digest: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** The bundle that a run pins for a stage. */
export interface BundlePin {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
}

/** Reads the manifest of a bundle folder without its members. */
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

/**
 * Reads a bundle folder with all members. @throws {BundleError} if the manifest is invalid or a member differs from it.
 */
export async function readBundleFolder(folder: string): Promise<LoadedBundle> {
  const bundle = await readBundleManifest(folder);
  return loadMembers(bundle, folder, (file) =>
    readFile(join(folder, file)).catch((cause: unknown) => {
      throw new BundleError('BUNDLE_MEMBER_MISSING', `${folder} lacks ${file}`, {}, { cause });
    }),
  );
}

/** Every bundle folder directly below `folder`, in order of name; empty if the folder does not exist. */
export async function findBundleFolders(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const found: string[] = [];
  for (const name of names.sort()) {
    if (await stat(join(folder, name, 'bundle.json')).catch(() => undefined)) found.push(join(folder, name));
  }
  return found;
}

/**
 * Puts a bundle into the store, members first and the manifest last. Stored bundles never change: pushing the same
 * bundle again does nothing, and another bundle under the same name and version is refused.
 *
 * If two bundles are pushed under one name and version at the same moment, one is committed and the other is refused.
 * Members of the committed one may then hold bytes of the other. Reading detects that, and {@link mendBundle} repairs
 * it.
 *
 * @throws {BundleError} `BUNDLE_VERSION_TAKEN`.
 */
export async function pushBundle(store: ObjectStore, loaded: LoadedBundle): Promise<BundlePin> {
  const { bundle, digest } = loaded;
  const pin = { name: bundle.name, version: bundle.version, digest };
  const manifestKey = bundleKey(bundle.name, bundle.version);
  if (!(await store.head(manifestKey))) {
    for (const [file, bytes] of loaded.files) await store.put(bundleFileKey(bundle.name, bundle.version, file), bytes);
    const manifest = `${JSON.stringify(bundle, null, 2)}\n`;
    if (await store.putIfAbsent(manifestKey, manifest, { contentType: 'application/json' })) return pin;
  }
  await assertStoredAs(store, pin);
  return pin;
}

/** @throws {BundleError} `BUNDLE_VERSION_TAKEN` if another bundle is stored under the pin's name and version. */
async function assertStoredAs(store: ObjectStore, { name, version, digest }: BundlePin): Promise<void> {
  const found = bundleDigest(await readStoredManifest(store, name, version));
  if (found === digest) return;
  throw new BundleError('BUNDLE_VERSION_TAKEN', `another bundle is stored as ${name}@${version}`, {
    expected: `digest ${digest}`,
    found: `digest ${found}`,
    hint: 'give the new bundle a new version',
  });
}

/**
 * Writes missing or damaged members of a committed bundle to the store again.
 *
 * @param loaded the same bundle as the committed one.
 * @returns the files that were written, in manifest order.
 * @throws {BundleError} `BUNDLE_VERSION_TAKEN` if another one is committed, `BUNDLE_MISSING` if none is.
 */
export async function mendBundle(store: ObjectStore, { bundle, digest, files }: LoadedBundle): Promise<string[]> {
  const { name, version } = bundle;
  await assertStoredAs(store, { name, version, digest });
  const mended: string[] = [];
  for (const [file, bytes] of files) {
    const key = bundleFileKey(name, version, file);
    const stored = await store.get(key).catch((error: unknown) => {
      if (!(error instanceof ObjectNotFoundError)) throw error;
    });
    if (stored && Buffer.compare(stored, bytes) === 0) continue;
    await store.put(key, bytes);
    mended.push(file);
  }
  return mended;
}

/** Reads the manifest of a stored bundle. @throws {BundleError} `BUNDLE_MISSING`, `BUNDLE_INVALID`. */
export async function readStoredManifest(store: ObjectStore, name: string, version: string): Promise<Bundle> {
  const key = bundleKey(name, version);
  try {
    return parseBundle(new TextDecoder().decode(await store.get(key)), key);
  } catch (cause) {
    if (!(cause instanceof ObjectNotFoundError)) throw cause;
    throw new BundleError('BUNDLE_MISSING', `no bundle ${name}@${version} in the store`, {
      hint: '`spineline models list` shows the stored bundles',
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

/**
 * Reads a pinned bundle with all members. @throws {BundleError} as {@link readPinnedManifest}, and if a member is
 * missing or damaged.
 */
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

/** Name and version of every committed bundle, sorted by both. Manifests are not read. */
export async function listStoredNames(store: ObjectStore): Promise<Pick<BundlePin, 'name' | 'version'>[]> {
  const names: Pick<BundlePin, 'name' | 'version'>[] = [];
  for await (const { key } of store.list(MODELS_FOLDER)) {
    const found = bundleOfKey(key);
    if (found) names.push(found);
  }
  return names;
}

/** Every stored bundle's manifest, by name and version. @throws {BundleError} for one that cannot be read. */
export async function listStoredBundles(store: ObjectStore): Promise<Bundle[]> {
  const bundles: Bundle[] = [];
  for (const { name, version } of await listStoredNames(store)) {
    bundles.push(await readStoredManifest(store, name, version));
  }
  return bundles;
}

/** Checks that a bundle is for a stage. @throws {BundleError} `BUNDLE_WRONG_STAGE`. */
export function bundleOfStage<S extends StageNumber>(bundle: Bundle, stage: S): Extract<Bundle, { stage: S }> {
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
