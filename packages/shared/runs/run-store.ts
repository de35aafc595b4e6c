/**
 * Runs in the object store, which is the truth about them: recording a run, committing a study's result or failure, and
 * reading them back.
 */

import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { compareNatural, datasetDigest, readPage, type StudyEntry, writePages } from '../dataset/index.ts';
import { ConfigError, ObjectNotFoundError, FIRST_STAGE } from '../domain/index.ts';
import { cancelKey, datasetKey, datasetPageKey, failureKey, failuresFolder, type ObjectStore, parseArtefact, RUNS_FOLDER, resultKey, resultsFolder, runKey, studyOfKey } from '../store/index.ts';
import { CancelRecord, DatasetRecord, FailureRecord, RunRecord, Steps, StudyResult } from './records.ts';

const JSON_TYPE = { contentType: 'application/json' };
/** Objects that are read at once when all results of a run are wanted. */
const READS_AT_ONCE = 32;
const RUNS_KEPT = 100;
/** A worker may go on for this long with a run that was cancelled. */
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
   * Writes a dataset's pages and, last, its record. Pages are named by their digest, so that a dataset is streamed into
   * the store and a dataset that grew shares the pages that did not change.
   *
   * @throws {ConfigError} if two studies have one id.
   */
  async recordDataset(
    studies: { studies(): AsyncIterable<StudyEntry> },
    pageSize: number,
    onStudies?: (count: number) => void,
  ): Promise<DatasetRecord> {
    const pages: string[] = [];
    let count = 0;
    for await (const page of writePages(studies, { pageSize })) {
      const key = datasetPageKey(page.digest);
      if (!(await this.store.head(key))) await this.store.put(key, page.bytes);
      pages.push(page.digest);
      count += page.studies.length;
      onStudies?.(count);
    }
    const digest = datasetDigest(pages);
    const record: DatasetRecord = { schema: 'spineline.dataset/1', digest, studies: count, pages };
    await this.store.put(datasetKey(digest), json(record), JSON_TYPE);
    return record;
  }

  /** What a dataset consists of. @throws {ObjectNotFoundError} {ArtefactDamagedError} */
  readDataset(digest: string): Promise<DatasetRecord> {
    return this.#read(datasetKey(digest), DatasetRecord);
  }

  /** @throws {ArtefactDamagedError} if the page is gone or is not what its digest promises. */
  async readPage(digest: string): Promise<StudyEntry[]> {
    const key = datasetPageKey(digest);
    return readPage(await this.store.get(key), { key, digest });
  }

  /** @throws {ConfigError} if a run of this name exists; {@link recordRun} settles a race. */
  async assertNoRun(run: string): Promise<void> {
    if (await this.store.head(runKey(run))) throw nameTaken(run);
  }

  /** @throws {ConfigError} if a run of this name exists. */
  async recordRun(run: RunRecord): Promise<void> {
    if (!(await this.store.putIfAbsent(runKey(run.run), json(run), JSON_TYPE))) throw nameTaken(run.run);
  }

  /**
   * What was asked; kept in memory, since it never changes.
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

  /** From now on the run is not worked on: workers drop its jobs as they come to them. */
  async cancel(run: string): Promise<void> {
    const record: CancelRecord = { schema: 'spineline.cancelled/1', run, cancelled: new Date().toISOString() };
    await this.store.put(cancelKey(run), json(record), JSON_TYPE);
    this.#cancelled.delete(run);
  }

  /** The run may be worked on again. */
  async uncancel(run: string): Promise<void> {
    await this.store.delete(cancelKey(run));
    this.#cancelled.delete(run);
  }

  /** Whether the run was cancelled; known for two seconds before the store is asked again. */
  isCancelled(run: string): Promise<boolean> {
    return this.#cancelled.forceFetch(run);
  }

  /** When the run was cancelled; `undefined` if it was not. */
  async cancelled(run: string): Promise<CancelRecord | undefined> {
    return absentIsUndefined(this.#read(cancelKey(run), CancelRecord));
  }

  /** The outputs that a study's result was made of; `undefined` if it has no result. */
  async findSteps(run: string, study: string): Promise<Steps | undefined> {
    const found = await absentIsUndefined(this.#read(resultKey(run, study), ResultSteps));
    return found?.steps;
  }

  /** The steps that a study of a run enters behind; `undefined` for one that enters at stage 1. */
  async stepsBefore({ from }: Pick<RunRecord, 'from'>, study: string): Promise<Steps | undefined> {
    return from && from.stage !== FIRST_STAGE ? this.findSteps(from.run, study) : undefined;
  }

  /** Whether a study has a result or a failure. */
  async isFinished(run: string, study: string): Promise<boolean> {
    const found = await Promise.all([this.store.head(resultKey(run, study)), this.store.head(failureKey(run, study))]);
    return found.some((object) => object !== undefined);
  }

  /** Takes a failure away: the study has neither result nor failure, and can be tried again. */
  async forgetFailure(run: string, study: string): Promise<void> {
    await this.store.delete(failureKey(run, study));
  }

  /** Commits a study: its result, and then away with a failure of an earlier try. */
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

  /** Reads a few ahead, so that a slow store is asked several things at once. */
  async *#readAll<T>(studies: readonly string[], read: (study: string) => Promise<T>): AsyncGenerator<T> {
    const ahead: Promise<T>[] = [];
    for (const study of studies) {
      const reading = read(study);
      reading.catch(() => {}); // its error is met when its turn comes
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
      throw new ConfigError(`there is no run called ${run}`, { hint: `in the store ${this.store.url}` }, { cause });
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
    hint: 'choose another name: a run is never overwritten (and what it computed is reused)',
  });
}

function add(studies: Set<string>, key: string): void {
  const study = studyOfKey(key);
  if (study !== undefined) studies.add(study);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}
