/**
 * Runs in the object store: recording a run, committing the result or failure of a study, and reading them back. The
 * store is the truth about runs.
 */

import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import {
  compareNatural,
  datasetDigest,
  mapInOrder,
  readPage,
  type StudyEntry,
  StudyPage,
  writePages,
} from '../dataset/index.ts';
import { ConfigError, ObjectNotFoundError, FIRST_STAGE } from '../domain/index.ts';
import {
  cancelKey,
  datasetKey,
  datasetPageKey,
  failureKey,
  failuresFolder,
  type ObjectStore,
  parseArtefact,
  RUNS_FOLDER,
  resultKey,
  resultsFolder,
  runKey,
  studyOfKey,
} from '../store/index.ts';
import { CancelRecord, DatasetRecord, FailureRecord, RunRecord, Steps, StudyResult } from './records.ts';

const JSON_TYPE = { contentType: 'application/json' };
/** Objects read at a time when all results of a run are read. */
const READS_AT_ONCE = 32;
/** Pages of a dataset that are written at a time, while the next ones are made. */
const WRITES_AT_ONCE = 4;
const RUNS_KEPT = 100;
/** How long a worker may continue with a run after it was cancelled. */
const CANCEL_KNOWN_MS = 2000;

/** The part of a result that says which outputs it was made of; the rest is not validated. */
const ResultSteps = z.object({ steps: Steps });

export class RunStore {
  readonly store: ObjectStore;
  readonly #runs: LRUCache<string, RunRecord>;
  readonly #cancelled: LRUCache<string, boolean>;

  constructor(store: ObjectStore) {
    this.store = store;
    this.#runs = new LRUCache<string, RunRecord>({ max: RUNS_KEPT, fetchMethod: (run) => this.#fetchRun(run) });
    this.#cancelled = new LRUCache<string, boolean>({
      max: RUNS_KEPT,
      ttl: CANCEL_KNOWN_MS,
      fetchMethod: async (run) => (await store.head(cancelKey(run))) !== undefined,
    });
  }

  /**
   * Writes the pages of a dataset and then its record. Pages are named by their digest. So a dataset can be streamed
   * into the store, and a dataset that has grown shares the unchanged pages.
   *
   * @throws {ConfigError} if two studies have the same id.
   */
  async recordDataset(
    studies: { studies(): AsyncIterable<StudyEntry> },
    pageSize: number,
    onStudies?: (count: number) => void,
  ): Promise<DatasetRecord> {
    const pages: string[] = [];
    let count = 0;
    const written = mapInOrder(
      writePages(studies, { pageSize }),
      WRITES_AT_ONCE,
      async ({ digest, bytes, studies: ofPage }) => {
        const key = datasetPageKey(digest);
        if (!(await this.store.head(key))) await this.store.put(key, bytes);
        return { digest, ofPage };
      },
    );
    for await (const { digest, ofPage } of written) {
      pages.push(digest);
      count += ofPage;
      onStudies?.(count);
    }
    const digest = datasetDigest(pages);
    const record: DatasetRecord = { schema: 'spineline.dataset/1', digest, studies: count, pages };
    await this.store.put(datasetKey(digest), json(record), JSON_TYPE);
    return record;
  }

  /** The pages of a dataset. @throws {ObjectNotFoundError} {ArtefactDamagedError} */
  readDataset(digest: string): Promise<DatasetRecord> {
    return this.#read(datasetKey(digest), DatasetRecord);
  }

  /** The studies of a page. @throws {ArtefactDamagedError} if the page is missing or does not have its digest. */
  async readPage(digest: string): Promise<StudyEntry[]> {
    const key = datasetPageKey(digest);
    return readPage(await this.store.get(key), { key, digest });
  }

  /** A page of which a few studies are wanted, or only their ids. @throws as {@link readPage}. */
  async openPage(digest: string): Promise<StudyPage> {
    const key = datasetPageKey(digest);
    return new StudyPage(await this.store.get(key), { key, digest });
  }

  /** @throws {ConfigError} if a run of this name exists. Of two who race for a name, {@link recordRun} lets one win. */
  async assertNoRun(run: string): Promise<void> {
    if (await this.store.head(runKey(run))) throw nameTaken(run);
  }

  /** @throws {ConfigError} if a run of this name exists. */
  async recordRun(run: RunRecord): Promise<void> {
    if (!(await this.store.putIfAbsent(runKey(run.run), json(run), JSON_TYPE))) throw nameTaken(run.run);
  }

  /**
   * The record of a run. It is kept in memory, since it never changes.
   *
   * @throws {ConfigError} if there is no such run.
   */
  readRun(run: string): Promise<RunRecord> {
    return this.#runs.forceFetch(run);
  }

  /** The names of all runs, in ascending order of their bytes. */
  names(): AsyncIterable<string> {
    return this.store.folders(RUNS_FOLDER);
  }

  /** Cancels a run: from now on, workers that take one of its jobs drop it. */
  async cancel(run: string): Promise<void> {
    const record: CancelRecord = { schema: 'spineline.cancelled/1', run, cancelled: new Date().toISOString() };
    await this.store.put(cancelKey(run), json(record), JSON_TYPE);
    this.#cancelled.delete(run);
  }

  /** Reactivates a cancelled run. */
  async uncancel(run: string): Promise<void> {
    await this.store.delete(cancelKey(run));
    this.#cancelled.delete(run);
  }

  /** Whether the run is cancelled. The answer is cached for two seconds. */
  isCancelled(run: string): Promise<boolean> {
    return this.#cancelled.forceFetch(run);
  }

  /** The record of the cancellation; `undefined` if the run is not cancelled. */
  async cancelled(run: string): Promise<CancelRecord | undefined> {
    return absentIsUndefined(this.#read(cancelKey(run), CancelRecord));
  }

  /** The outputs that a study's result was made from; `undefined` if the study has no result. */
  async findSteps(run: string, study: string): Promise<Steps | undefined> {
    const found = await absentIsUndefined(this.#read(resultKey(run, study), ResultSteps));
    return found?.steps;
  }

  /** The steps of the old run that a reprocessed study starts from; `undefined` if the study enters at stage 1. */
  async stepsBefore({ from }: Pick<RunRecord, 'from'>, study: string): Promise<Steps | undefined> {
    return from && from.stage !== FIRST_STAGE ? this.findSteps(from.run, study) : undefined;
  }

  /** Whether a study has a result or a failure. */
  async isFinished(run: string, study: string): Promise<boolean> {
    const found = await Promise.all([this.store.head(resultKey(run, study)), this.store.head(failureKey(run, study))]);
    return found.some((object) => object !== undefined);
  }

  /** Deletes a failure: the study then has neither result nor failure and can be retried. */
  async forgetFailure(run: string, study: string): Promise<void> {
    await this.store.delete(failureKey(run, study));
  }

  /** Commits a study: writes its result, then deletes the failure of an earlier attempt, if there is one. */
  async writeResult(result: StudyResult): Promise<void> {
    await this.store.put(resultKey(result.run, result.study), json(result), JSON_TYPE);
    await this.store.delete(failureKey(result.run, result.study));
  }

  async writeFailure(failure: FailureRecord): Promise<void> {
    await this.store.put(failureKey(failure.run, failure.study), json(failure), JSON_TYPE);
  }

  /** A study's result; `undefined` if it has none. @throws {ArtefactDamagedError} */
  readResult(run: string, study: string): Promise<StudyResult | undefined> {
    return absentIsUndefined(this.#read(resultKey(run, study), StudyResult));
  }

  /** Why a study has no result; `undefined` if it did not fail. @throws {ArtefactDamagedError} */
  readFailure(run: string, study: string): Promise<FailureRecord | undefined> {
    return absentIsUndefined(this.#read(failureKey(run, study), FailureRecord));
  }

  /** Ids of the studies that have a result, and of those that have a failure and no result. */
  async finished(run: string): Promise<{ scored: Set<string>; failed: Set<string> }> {
    const scored = new Set<string>();
    const failed = new Set<string>();
    for await (const { key } of this.store.list(resultsFolder(run))) add(scored, key);
    for await (const { key } of this.store.list(failuresFolder(run))) add(failed, key);
    for (const study of scored) failed.delete(study);
    return { scored, failed };
  }

  /** Results in natural order of the study ids, as the challenge's sample submission has them. */
  async *results(run: string): AsyncGenerator<StudyResult> {
    const { scored } = await this.finished(run);
    yield* this.#readAll([...scored].sort(compareNatural), (study) => this.#read(resultKey(run, study), StudyResult));
  }

  /** Failures of studies that have no result, in natural order of the study ids. */
  async *failures(run: string): AsyncGenerator<FailureRecord> {
    const { failed } = await this.finished(run);
    yield* this.#readAll([...failed].sort(compareNatural), (study) =>
      this.#read(failureKey(run, study), FailureRecord),
    );
  }

  /** Reads ahead, since a slow store can serve several reads at a time. */
  async *#readAll<T>(studies: readonly string[], read: (study: string) => Promise<T>): AsyncGenerator<T> {
    const ahead: Promise<T>[] = [];
    for (const study of studies) {
      const reading = read(study);
      reading.catch(() => {}); // the error is thrown below, when the study's turn comes
      ahead.push(reading);
      if (ahead.length >= READS_AT_ONCE) yield await ahead.shift()!;
    }
    for (const reading of ahead) yield await reading;
  }

  async #fetchRun(run: string): Promise<RunRecord> {
    try {
      return await this.#read(runKey(run), RunRecord);
    } catch (cause) {
      if (!(cause instanceof ObjectNotFoundError)) throw cause;
      throw new ConfigError(`there is no run called ${run} in the store ${this.store.url}`, {}, { cause });
    }
  }

  async #read<T>(key: string, schema: z.ZodType<T>): Promise<T> {
    return parseArtefact(await this.store.get(key), schema, key);
  }
}

async function absentIsUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined;
    throw error;
  }
}

function nameTaken(run: string): ConfigError {
  return new ConfigError(`there is already a run called ${run}`, {
    hint: 'choose another name: a run is never overwritten, and a new run reuses what it computed',
  });
}

function add(studies: Set<string>, key: string): void {
  const study = studyOfKey(key);
  if (study !== undefined) studies.add(study);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}
