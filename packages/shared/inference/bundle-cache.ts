/**
 * Bundles in a worker's memory, by digest. Each is fetched and verified once, however many studies and runs need it. A
 * few are kept, so that runs with different pins can alternate.
 */

import { LRUCache } from 'lru-cache';
import type { StageNumber } from '../domain/index.ts';
import {
  type BundlePin,
  bundleOfStage,
  type LoadedBundle,
  readPinnedManifest,
  readStoredBundle,
} from '../models/index.ts';
import type { Bundle, BundleOf } from '../models/index.ts';
import type { ObjectStore } from '../store/index.ts';
import { ensembleOf } from './ensemble.ts';
import type { Ensemble } from './inference-pool.ts';

const KEPT = 6;

/** A bundle that is ready to run: its manifest, its digest, and one ensemble per task. */
export interface ReadyBundle<S extends StageNumber> {
  readonly bundle: BundleOf<S>;
  readonly pin: BundlePin;
  ensemble(task: keyof BundleOf<S>['tasks'] & string): Ensemble;
}

export interface BundleCacheOptions {
  /** Called when a bundle is loaded into memory or leaves it. */
  readonly onChange?: (bundle: BundlePin, loaded: boolean) => void;
  /** Called with a bundle that was read, before anybody gets it. If it throws, the callers get the error. */
  readonly check?: (bundle: LoadedBundle, pin: BundlePin) => Promise<void>;
}

export class BundleCache {
  readonly #bundles: LRUCache<string, LoadedBundle & { readonly pin: BundlePin }, BundlePin>;
  readonly #manifests: LRUCache<string, Bundle, BundlePin>;

  constructor(store: ObjectStore, { onChange, check }: BundleCacheOptions = {}) {
    this.#bundles = new LRUCache<string, LoadedBundle & { readonly pin: BundlePin }, BundlePin>({
      max: KEPT,
      fetchMethod: async (_digest, _stale, { context: pin }) => {
        const bundle = await readStoredBundle(store, pin);
        await check?.(bundle, pin);
        onChange?.(pin, true);
        return { ...bundle, pin };
      },
      dispose: ({ pin }) => onChange?.(pin, false),
    });
    this.#manifests = new LRUCache<string, Bundle, BundlePin>({
      max: KEPT,
      fetchMethod: (_digest, _stale, { context }) => readPinnedManifest(store, context),
    });
  }

  /**
   * The manifest of the pinned bundle, for callers that need its settings but not its models. @throws as {@link get}.
   */
  async manifest<S extends StageNumber>(pin: BundlePin, stage: S): Promise<BundleOf<S>> {
    return bundleOfStage(await this.#manifests.forceFetch(pin.digest, { context: pin }), stage) as BundleOf<S>;
  }

  /**
   * The pinned bundle with all its members, verified.
   *
   * @throws {BundleError} if it is missing, damaged, not the pinned one, or of another stage.
   */
  async get<S extends StageNumber>(pin: BundlePin, stage: S): Promise<ReadyBundle<S>> {
    const { bundle: manifest, files } = await this.#bundles.forceFetch(pin.digest, { context: pin });
    const bundle = bundleOfStage(manifest, stage) as BundleOf<S>;
    return { bundle, pin, ensemble: (task) => ensembleOf(bundle, pin, files, task) };
  }
}
