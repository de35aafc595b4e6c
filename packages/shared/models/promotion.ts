/**
 * Which bundle of a stage new runs in a store use when nobody says otherwise: `promoted/stage<N>.json`.
 *
 * A stage's life: nothing promoted (the shipped demo bundle) -> promoted -> another one promoted, or demoted; each that
 * was is kept in the history. A run pins digests when it is made, so that none of this changes a run under way. Of two
 * commands at the same instant the last one stands, and the history may lack the other.
 */

import { z } from 'zod';
import { ArtefactDamagedError, ObjectNotFoundError, STAGE_NUMBERS, type StageNumber } from '../domain/index.ts';
import { type ObjectStore, parseArtefact, promotionKey } from '../store/index.ts';
import { type Bundle, bundleDigest } from './bundle.ts';
import { type BundlePin, readStoredBundle, readStoredManifest } from './bundle-source.ts';

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
  /** Those that were current before, the latest first, with the time at which each no longer was. */
  history: z.array(Promoted.extend({ until: z.iso.datetime() })),
});
export type Promotion = z.infer<typeof PromotionSchema>;

/**
 * What is recorded of a stage; nothing promoted, and an empty history, where nothing is.
 *
 * @throws {ArtefactDamagedError} for a record that cannot be read: which bundle to use is then not known.
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

/** As {@link readPromotion}; a damaged record is replaced by the change, since nothing of it can be kept. */
async function readForChange(store: ObjectStore, stage: StageNumber): Promise<Promotion> {
  try {
    return await readPromotion(store, stage);
  } catch (error) {
    if (!(error instanceof ArtefactDamagedError)) throw error;
    return nothingPromoted(stage);
  }
}

/**
 * Makes a stored bundle the one that new runs use for its stage, after every byte of it was checked. The one that is
 * promoted already stays as it is.
 *
 * @returns the bundle, and what is recorded of its stage now.
 * @throws {BundleError} if it is not in the store or not whole; nothing is changed then.
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

/** Takes the promotion of a stage back: new runs use the shipped demo bundle. @returns what is recorded now. */
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
