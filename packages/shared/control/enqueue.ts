/** Makes a run from a dataset and bundles: writes it to the store, then adds its page jobs to the queue. */

import type { StudyEntry } from '../dataset/index.ts';
import { DatasetError, type Stage } from '../domain/index.ts';
import type { BundlePin } from '../models/index.ts';
import type { Queues } from '../queue/index.ts';
import type { DatasetRecord, RunRecord, RunStore } from '../runs/index.ts';
import { checkRunName } from '../store/index.ts';

export interface RunOptions {
  readonly run: string;
  readonly bundles: Readonly<Record<Stage, BundlePin>>;
  /** 1 (most urgent) to 10. */
  readonly priority: number;
  /** Warning of the bundles, to be shown with every output. */
  readonly notice: string;
  /** See `RunRecord`. */
  readonly from?: RunRecord['from'];
  readonly deadline?: Date | undefined;
}

export interface EnqueueOptions extends RunOptions {
  /** Studies per page. */
  readonly pageStudies: number;
  /** Called while the dataset is read, with the number of studies so far. */
  readonly onStudies?: (count: number) => void;
}

/**
 * Records a run over a dataset and adds its pages to the queue. Then the producer may exit: the workers need only the
 * store and Redis.
 *
 * @throws {ConfigError} if there is a run of this name.
 * @throws {DatasetError} if the dataset has no study.
 */
export async function enqueueRun(
  dataset: { studies(): AsyncIterable<StudyEntry> },
  runs: RunStore,
  queues: Queues,
  options: EnqueueOptions,
): Promise<RunRecord> {
  checkRunName(options.run);
  // Checked before the dataset is read, since that may take a while.
  await runs.assertNoRun(options.run);
  const record = await runs.recordDataset(dataset, options.pageStudies, options.onStudies);
  return startRun(record, runs, queues, options);
}

/**
 * Records a run over a dataset in the store, and adds its pages to the queue of the stage at which its studies enter.
 *
 * @throws as {@link enqueueRun}.
 */
export async function startRun(
  dataset: DatasetRecord,
  runs: RunStore,
  queues: Queues,
  { run: name, bundles, priority, notice, from, deadline }: RunOptions,
): Promise<RunRecord> {
  if (dataset.studies === 0) throw new DatasetError('DATASET_EMPTY', 'the dataset has no study');
  const run: RunRecord = {
    schema: 'spineline.run/1',
    run: checkRunName(name),
    dataset: dataset.digest,
    studies: dataset.studies,
    bundles,
    ...(from && { from }),
    priority,
    created: new Date().toISOString(),
    ...(deadline && { deadline: deadline.toISOString() }),
    notice,
  };
  await runs.recordRun(run);
  await queues.addPages(name, dataset.pages, priority, { entry: from?.stage });
  return run;
}
