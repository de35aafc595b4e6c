/**
 * Which bundle new runs use for a stage if they name none: `promoted/stage<N>.json` in the store.
 *
 * The states of a stage: nothing promoted (the shipped demo bundle) -> promoted -> another bundle promoted, or demoted.
 * Earlier bundles are kept in the history. A run pins digests when it is made, so a promotion never changes an existing
 * run. If two commands run at the same moment, the last one wins, and the history may lack the other.
 */

import { z } from 'zod';
import { ArtefactDamagedError, ObjectNotFoundError, STAGE_NUMBERS, type StageNumber } from '../domain/index.ts';
import { type ObjectStore, parseArtefact, promotionKey } from '../store/index.ts';
import { type BundlePin, readStoredBundle, readStoredManifest } from './bundle-source.ts';
import { type Bundle, bundleDigest } from './bundle.ts';

const Promoted = z.strictObject({
  name: z.string(),
  version: z.string(),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  /** ISO 8601, UTC. */
  promoted: z.iso.datetime(),
});

const PromotionSchema = z.strictObject({
  schema: z.literal('spineline.promotion/1'),
  stage: z.literal(STAGE_NUMBERS),
  /** null after a demotion: new runs use the shipped demo bundle. */
  current: Promoted.nullable(),
  /** Earlier bundles, the latest first, each with the time at which it was replaced or demoted. */
  history: z.array(Promoted.extend({ until: z.iso.datetime() })),
});
export type Promotion = z.infer<typeof PromotionSchema>;

/**
 * The record of a stage. Without a record: nothing promoted and an empty history.
 *
 * @throws {ArtefactDamagedError} if the record cannot be read, so that the bundle to use is unknown.
 */
export async function readPromotion(store: ObjectStore, stage: StageNumber): Promise<Promotion> {
  const key = promotionKey(stage);
  try {
    return parseArtefact(await store.get(key), PromotionSchema, key);
  } catch (error) {
    if (!(error instanceof ObjectNotFoundError)) throw error;
    return nothingPromoted(stage);
  }
}

function nothingPromoted(stage: StageNumber): Promotion {
  return { schema: 'spineline.promotion/1', stage, current: null, history: [] };
}

/** As {@link readPromotion}, but a damaged record counts as none: the change replaces it. */
async function readForChange(store: ObjectStore, stage: StageNumber): Promise<Promotion> {
  try {
    return await readPromotion(store, stage);
  } catch (error) {
    if (!(error instanceof ArtefactDamagedError)) throw error;
    return nothingPromoted(stage);
  }
}

/**
 * Makes a stored bundle the one that new runs use for its stage, after checking all its bytes. If it is promoted
 * already, nothing changes.
 *
 * @returns the bundle, and the new record of its stage.
 * @throws {BundleError} if it is missing, incomplete or damaged; then nothing changes.
 */
export async function promoteBundle(
  store: ObjectStore,
  name: string,
  version: string,
  now = new Date(),
): Promise<{ bundle: Bundle; promotion: Promotion }> {
  const manifest = await readStoredManifest(store, name, version);
  const pin: BundlePin = { name, version, digest: bundleDigest(manifest) };
  const { bundle } = await readStoredBundle(store, pin);
  const before = await readForChange(store, bundle.stage);
  if (before.current?.name === name && before.current.version === version && before.current.digest === pin.digest) {
    return { bundle, promotion: before };
  }
  return { bundle, promotion: await replace(store, before, { ...pin, promoted: now.toISOString() }, now) };
}

/** Demotes the bundle of a stage: new runs use the shipped demo bundle. @returns the new record. */
export async function demoteStage(store: ObjectStore, stage: StageNumber, now = new Date()): Promise<Promotion> {
  const before = await readForChange(store, stage);
  return before.current ? replace(store, before, null, now) : before;
}

async function replace(
  store: ObjectStore,
  before: Promotion,
  current: Promotion['current'],
  now: Date,
): Promise<Promotion> {
  const last = before.current ? [{ ...before.current, until: now.toISOString() }] : [];
  const promotion: Promotion = { ...before, current, history: [...last, ...before.history] };
  await store.put(promotionKey(before.stage), `${JSON.stringify(promotion, null, 1)}\n`, {
    contentType: 'application/json',
  });
  return promotion;
}
