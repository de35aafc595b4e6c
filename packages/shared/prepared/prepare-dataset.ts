/**
 * `spineline prepare`: writes a labelled dataset as arrays for training, shard by shard, in threads. A finished shard
 * of the same studies with the same options is kept, so that a stopped run can continue.
 */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TaskPool } from '../compute/index.ts';
import { datasetDigest, mapInOrder, type StudyEntry, writePages } from '../dataset/index.ts';
import {
  CONTRACTS,
  CONDITIONS,
  ConfigError,
  DatasetError,
  LEVELS,
  recordOfError,
  SEVERITIES,
  SpinelineError,
  StoreUnavailableError,
  TARGETS,
} from '../domain/index.ts';
import type { LabelCoordinate, Labels } from '../evaluation/index.ts';
import type { BundlePin } from '../models/index.ts';
import { type SourceReader, fetchFiles } from '../sources/index.ts';
import { digestOf } from '../store/index.ts';
import { type PrepareSettings, planArrays } from './array-plan.ts';
import type { prepareStudy, StudyToPrepare } from './prepare-study.ts';
import { type PreparedDataset, type PreparedShard, type PrepareOptions, readShard, type Skipped } from './records.ts';
import { SHARD_FILE, ShardWriter, writeJson } from './shard-writer.ts';

/** Raised when the arrays change although settings, options and the stages' contracts are the same. */
const CONTRACT = 1;
const PREPARED_FILE = 'prepare.json';
/** Page size for the dataset's digest; the default of runs. */
const PAGE_STUDIES = 256;

export interface PrepareRequest {
  readonly dataset: { readonly name: string; studies(): AsyncIterable<StudyEntry> };
  readonly sources: SourceReader;
  readonly labels: Labels;
  readonly coordinates: readonly LabelCoordinate[];
  readonly bundles: PreparedDataset['bundles'] & Readonly<Record<string, BundlePin>>;
  readonly settings: PrepareSettings;
  readonly options: PrepareOptions;
  /** Folder to write. */
  readonly out: string;
  readonly threads: number;
  /** Called when the studies are counted, and after each study. */
  readonly onProgress?: (progress: PrepareProgress) => void;
}

export interface PrepareProgress {
  /** Finished studies, including kept ones. */
  readonly done: number;
  readonly total: number;
  /** Those of `done` in shards that existed before. */
  readonly kept: number;
  readonly skipped: number;
}

/**
 * Prepares a dataset.
 *
 * @throws {ConfigError} if `out` holds data prepared with other options, or a size cannot be pooled.
 * @throws {DatasetError} `DATASET_UNLABELLED` if no study of the dataset is in the labels.
 * @throws {StoreUnavailableError} transient: finished shards stay.
 */
export async function prepareDataset(request: PrepareRequest): Promise<PreparedDataset> {
  const { sources, settings, options, out } = request;
  const plan = planArrays(settings, options);
  const { digest, studies, unlabelled } = await labelledStudies(request);
  const coordinates = Map.groupBy(request.coordinates, ({ study }) => study);
  const made = digestOf({ contract: CONTRACT, stages: CONTRACTS, settings, options });
  const shards = await findShards(request, studies, coordinates, made);
  await mkdir(out, { recursive: true });
  // The file exists only while it describes the folder.
  await rm(join(out, PREPARED_FILE), { force: true });

  const kept = shards.reduce((sum, { record, studies: own }) => sum + (record ? own.length : 0), 0);
  let skipped = shards.reduce((sum, { record }) => sum + (record?.skipped.length ?? 0), 0);
  let done = kept;
  const progress = () => request.onProgress?.({ done, total: studies.length, kept, skipped });
  progress();

  const threads = new TaskPool<{ prepareStudy: typeof prepareStudy }>(
    new URL('./prepare-thread.ts', import.meta.url),
    request.threads,
  );
  let writer: ShardWriter | undefined;
  try {
    const toDo = shards.filter(({ record }) => !record);
    const work = toDo.flatMap((shard) => shard.studies.map((study) => ({ shard, study })));
    // One more than threads: the next study is fetched while they compute.
    const prepared = mapInOrder(work, request.threads + 1, async ({ shard, study }) => {
      const locations = study.series.flatMap(({ instances }) => instances.map(({ location }) => location));
      const files = await fetchFiles(sources, locations);
      const input: StudyToPrepare = {
        study,
        files,
        coordinates: coordinates.get(study.study) ?? [],
        severities: request.labels.get(study.study)!,
        settings,
        options,
        plan,
      };
      const outcome = await threads
        .run('prepareStudy', input, undefined, files.values())
        .catch(skippedBecause(study.study));
      return { shard, study, outcome };
    });
    for await (const { shard, study, outcome } of prepared) {
      writer ??= await ShardWriter.open(join(out, shard.folder), plan);
      if ('code' in outcome) {
        writer.skip(outcome);
        skipped++;
      } else await writer.add(study.study, outcome.arrays, outcome.labels);
      done++;
      if (study === shard.studies.at(-1)) {
        shard.record = await writer.finish({ options: made, source: shard.source });
        writer = undefined;
      }
      progress();
    }
  } finally {
    await writer?.close();
    await threads.close();
  }
  const records = shards.map(({ folder, record }) => ({ folder, record: record! }));
  const prepared: PreparedDataset = {
    schema: 'spineline.prepared/1',
    dataset: { name: request.dataset.name, digest },
    bundles: request.bundles,
    settings,
    options,
    shards: records
      .filter(({ record }) => record.studies.length > 0)
      .map(({ folder, record }) => ({ folder, studies: record.studies.length, digest: digestOf(record) })),
    studies: records.reduce((sum, { record }) => sum + record.studies.length, 0),
    skipped: records.flatMap(({ record }) => record.skipped),
    unlabelled,
    labels: {
      used: records.reduce((sum, { record }) => sum + record.labels.used, 0),
      unused: records.reduce((sum, { record }) => sum + record.labels.unused, 0),
    },
    classShares: classShares(studies.map(({ study }) => request.labels.get(study)!)),
    windows: plan.windows,
  };
  await writeJson(join(out, PREPARED_FILE), prepared);
  return prepared;
}

/** The studies with labels, in the order of the dataset, and the dataset's digest. */
async function labelledStudies({ dataset, labels }: PrepareRequest) {
  const digests: string[] = [];
  const studies: StudyEntry[] = [];
  let unlabelled = 0;
  const sorted = async function* () {
    for await (const study of dataset.studies()) {
      if (labels.has(study.study)) studies.push(study);
      else unlabelled++;
      yield study;
    }
  };
  for await (const { digest } of writePages({ studies: sorted }, { pageSize: PAGE_STUDIES })) digests.push(digest);
  if (studies.length === 0) {
    throw new DatasetError('DATASET_UNLABELLED', 'no study of the dataset is in the labels', {
      expected: `studies such as ${[...labels.keys()].slice(0, 3).join(', ')}`,
      found: `${unlabelled} others`,
    });
  }
  return { digest: datasetDigest(digests), studies, unlabelled };
}

interface ShardToMake {
  readonly folder: string;
  readonly studies: readonly StudyEntry[];
  readonly source: string;
  /** `undefined` if the shard must be made. */
  record: PreparedShard | undefined;
}

/** Divides the studies into shards, and finds out which of them exist. */
async function findShards(
  { out, labels, options }: PrepareRequest,
  studies: readonly StudyEntry[],
  coordinates: ReadonlyMap<string, readonly LabelCoordinate[]>,
  made: string,
): Promise<ShardToMake[]> {
  const shards: ShardToMake[] = [];
  for (let start = 0; start < studies.length; start += options.studiesPerShard) {
    const folder = `shard-${String(shards.length).padStart(5, '0')}`;
    const own = studies.slice(start, start + options.studiesPerShard);
    const source = digestOf(
      own.map((study) => ({
        study,
        severities: Object.fromEntries(labels.get(study.study)!),
        coordinates: (coordinates.get(study.study) ?? []).map(({ target, ...place }) => [target.name, place]),
      })),
    );
    const record = await readShard(join(out, folder, SHARD_FILE));
    if (record && record.options !== made) {
      throw new ConfigError(`${out} holds data that was prepared with other options or other models' settings`, {
        file: join(folder, SHARD_FILE),
        expected: `options of digest ${made.slice(0, 12)}`,
        found: record.options.slice(0, 12),
        hint: 'give another --out, or remove this folder',
      });
    }
    shards.push({ folder, studies: own, source, record: record?.source === source ? record : undefined });
  }
  return shards;
}

/** Leaves out a study that cannot be prepared. A store that does not answer throws. */
function skippedBecause(study: string): (error: unknown) => Skipped {
  return (error) => {
    if (error instanceof StoreUnavailableError) throw error;
    const { code } = recordOfError(error);
    return { study, code, message: error instanceof SpinelineError ? error.message : String(error) };
  };
}

/**
 * Shares of the severities for each condition and level. Without labels there, the shares of the condition over all
 * levels; without those, the shares of all targets.
 */
function classShares(studies: readonly ReadonlyMap<string, unknown>[]): PreparedDataset['classShares'] {
  const sharesOf = (wanted: (target: (typeof TARGETS)[number]) => boolean) => {
    const names = TARGETS.filter(wanted).map(({ name }) => name);
    const counts = SEVERITIES.map((severity) =>
      studies.reduce((sum, labels) => sum + names.filter((name) => labels.get(name) === severity).length, 0),
    );
    const total = counts.reduce((sum, count) => sum + count, 0);
    return total > 0 ? (counts.map((count) => count / total) as [number, number, number]) : undefined;
  };
  const all = sharesOf(() => true);
  if (!all) throw new DatasetError('DATASET_UNLABELLED', 'no severity of the dataset is labelled');
  return Object.fromEntries(
    CONDITIONS.map((condition) => {
      const overLevels = sharesOf((target) => target.condition === condition) ?? all;
      const levels = LEVELS.map(
        (level) =>
          [
            level,
            sharesOf((target) => target.condition === condition && target.level === level) ?? overLevels,
          ] as const,
      );
      return [condition, Object.fromEntries(levels)];
    }),
  );
}
