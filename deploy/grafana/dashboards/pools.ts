/** The worker pools, one row each: rate, errors and duration of the jobs; utilisation and saturation of the workers. */

import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { STAGE_NAMES } from '@spineline/shared/domain';
import {
  badFrom,
  barsPanel,
  curvesPanel,
  listedVariable,
  newDashboard,
  noticePanel,
  statPanel,
  tablePanel,
  UNIT,
} from './panels.ts';

const STAGE = 'stage=~"$stage"';
/** A metric of the workers of the selected stage, one time series per worker. */
const ofWorkers = (metric: string) => `${metric}{job="spineline-worker", ${STAGE}}`;
const perWorker = (metric: string) => `max by (instance) (${ofWorkers(metric)})`;
const perStage = (metric: string) => `sum by (stage) (${ofWorkers(metric)})`;
const quantile = (q: number, metric: string, matchers = STAGE) =>
  `histogram_quantile(${q}, sum by (le, stage) (rate(${metric}_bucket{${matchers}}[5m]))) >= 0`;

/** Loaded bundles, with a digest short enough to read. */
const models =
  `count by (stage, bundle, version, digest, execution_provider) ` +
  `(label_replace(spineline_model_info{${STAGE}}, "digest", "$1", "digest", "(?:sha256:)?(.{12}).*"))`;

const ONLY_WITH_GPU = 'Empty on machines without nvidia-smi, so on every machine without an NVIDIA GPU.';

export const pools = newDashboard({
  uid: 'spineline-pools',
  title: 'spineline: Pools',
  description: 'The workers of each stage: how fast and how busy they are, and what they wait for.',
  from: 'now-3h',
  refresh: '15s',
})
  .withVariable(listedVariable('stage', 'Stage', STAGE_NAMES))
  .withPanel(
    barsPanel({
      title: 'Workers by stage',
      description:
        'Workers that answer Prometheus. If there are fewer than you started, look at the containers or pods. A stage ' +
        'without a bar has no worker, so none of its jobs is done.',
      unit: UNIT.count,
      queries: [{ expr: `count by (stage) (spineline_worker_live{${STAGE}})`, legend: '{{stage}}' }],
      width: 6,
      levels: 'you decide how many there should be',
    }),
  )
  .withPanel(
    tablePanel({
      title: 'Models in use',
      description:
        'Bundles that the workers have loaded, and how many workers have each. Check two cases: two digests of one ' +
        'version in a stage, and a CPU where you expect a GPU. `spineline models list` shows the bundles in the store. ' +
        'Empty until the first study.',
      unit: UNIT.count,
      queries: [{ expr: models }],
      columns: {
        stage: 'Stage',
        bundle: 'Bundle',
        version: 'Version',
        digest: 'Digest',
        execution_provider: 'Execution provider',
        Value: 'Workers',
      },
      width: 18,
      levels: 'a table of names',
    }),
  )
  .withPanel(noticePanel())
  .withRow(new RowBuilder('Pool $stage').id(1).repeat('stage'))
  .withPanel(
    statPanel({
      title: 'Live workers',
      description:
        'Workers that are live: they make progress, or no work waits. If there are fewer than all workers, one hangs: ' +
        'see its log. Kubernetes restarts it; elsewhere restart it yourself.',
      unit: UNIT.count,
      queries: [{ expr: perStage('spineline_worker_live'), legend: 'live' }],
      width: 4,
      levels: [
        ['red', null],
        ['green', 1],
      ],
      noValue: 'no worker',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Not live',
      description:
        'Workers that answer but are not live: work waits and they make no progress. Restart them; see their logs.',
      unit: UNIT.count,
      queries: [
        { expr: `count by (stage) (${ofWorkers('spineline_worker_live')}) - ${perStage('spineline_worker_live')}` },
      ],
      width: 4,
      levels: [
        ['green', null],
        ['red', 1],
      ],
      noValue: 'no worker',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Active jobs',
      description: 'Jobs that the workers are working on, and the most that they work on at a time.',
      unit: UNIT.count,
      queries: [
        { expr: perStage('spineline_jobs_in_progress'), legend: 'active' },
        { expr: perStage('spineline_job_slots'), legend: 'at most' },
      ],
      width: 6,
      levels: 'none is right when nothing waits',
      noValue: 'no worker',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Waiting',
      description: 'Jobs in the queue of this stage: studies, and pages not yet unfolded.',
      unit: UNIT.count,
      queries: [{ expr: `stage:spineline_backlog:jobs{${STAGE}}` }],
      width: 4,
      levels: 'many are usual at the start of a run',
      noValue: 'not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Last job taken',
      description:
        'Time since a worker of this stage last took a job. If it is long while jobs wait, the pool is stalled: restart ' +
        'it and see its logs. Empty before the first job.',
      unit: UNIT.duration,
      queries: [{ expr: `time() - max by (stage) (${ofWorkers('spineline_last_start_timestamp_seconds')} > 0)` }],
      width: 6,
      levels: 'long is right when nothing waits',
      decimals: 0,
      noValue: 'none yet',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Rate: studies',
      description: 'Studies that leave this stage. If it falls to 0 while jobs wait, look at errors and live workers.',
      unit: UNIT.studiesPerMinute,
      queries: [{ expr: `60 * stage:spineline_studies:rate5m{${STAGE}}`, legend: 'studies' }],
      width: 6,
      levels: 'what is enough depends on the run and its deadline',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Errors: share failed',
      description:
        'Share of finished jobs that failed for good. From 1 % look at the failures by reason (Tonight). If all jobs ' +
        'fail, the model, the dataset or the store is bad.',
      unit: UNIT.share,
      queries: [{ expr: `stage:spineline_job_errors:ratio5m{${STAGE}}`, legend: 'failed' }],
      width: 6,
      levels: badFrom(0.01, 0.05),
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Errors: jobs by outcome',
      description:
        'Jobs by outcome. Retried: the network or the store failed for a moment. Failed: the failure is recorded and the ' +
        'run continues. Cancelled: the run was cancelled.',
      unit: UNIT.jobsPerMinute,
      queries: [{ expr: `60 * sum by (outcome) (rate(spineline_jobs_total{${STAGE}}[5m]))`, legend: '{{outcome}}' }],
      width: 6,
      levels: 'see the share failed',
      colors: { failed: 'red', retried: 'orange' },
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Duration per job',
      description:
        'How long a worker works on a job, including waits for a thread or a batch. If it grows, the phases below show ' +
        'which part grows.',
      unit: UNIT.seconds,
      queries: [
        { expr: quantile(0.5, 'spineline_job_seconds'), legend: 'p50' },
        { expr: `stage:spineline_job_seconds:p95_5m{${STAGE}}`, legend: 'p95' },
        { expr: `stage:spineline_job_seconds:mean5m{${STAGE}}`, legend: 'mean' },
      ],
      width: 6,
      levels: 'it depends on the machine and the models',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Where the time goes',
      description:
        'Shares of the job time by phase. Mostly inference: the models are the limit; add workers or a GPU. Mostly fetch ' +
        'or write: the store is the limit. Mostly thread_wait or decode: add compute threads. Mostly batch_wait: batches ' +
        'fill slowly; lower SPINELINE_BATCH_DELAY_MS or raise SPINELINE_CONCURRENCY.',
      unit: UNIT.share,
      queries: [{ expr: `stage:spineline_phase_seconds:share5m{${STAGE}}`, legend: '{{phase}}' }],
      width: 12,
      levels: 'no share is bad in itself',
      stacked: true,
      max: 1,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Utilisation',
      description:
        'Share of job slots with an active job, and share of the time that inference threads compute. If the slots are ' +
        'full and inference is low, something before or after the models is slow. If both are low while jobs wait, the ' +
        'pool is stalled.',
      unit: UNIT.share,
      queries: [
        { expr: `stage:spineline_job_slots_busy:ratio5m{${STAGE}}`, legend: 'slots' },
        { expr: `stage:spineline_inference_busy:ratio5m{${STAGE}}`, legend: 'inference' },
      ],
      width: 6,
      levels: 'busy is right while there is work, idle when there is none',
      max: 1,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Batch fill',
      description:
        'Samples per batch as a share of the largest batch. A low fill wastes a GPU: raise SPINELINE_CONCURRENCY or ' +
        'SPINELINE_BATCH_DELAY_MS. On a CPU it hardly matters.',
      unit: UNIT.share,
      queries: [{ expr: `stage:spineline_batch_fill:ratio5m{${STAGE}}`, legend: 'fill' }],
      width: 6,
      levels: 'on a CPU a low one is right',
      max: 1,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Saturation: jobs waiting',
      description: 'Jobs in the queue of this stage. If it grows for long, this pool is the slowest: add workers.',
      unit: UNIT.count,
      queries: [{ expr: `stage:spineline_backlog:jobs{${STAGE}}`, legend: 'jobs' }],
      width: 6,
      levels: 'many are usual at the start of a run',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Saturation: waiting in the queue',
      description:
        'How long jobs waited in the queue before a worker took them. If it is long at stage 2 or 3, that pool is too small.',
      unit: UNIT.duration,
      queries: [
        { expr: quantile(0.5, 'spineline_queue_wait_seconds'), legend: 'p50' },
        { expr: quantile(0.95, 'spineline_queue_wait_seconds'), legend: 'p95' },
      ],
      width: 6,
      levels: 'a full queue in front of a busy pool is usual',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Saturation: waiting inside a worker',
      description:
        'How long a job waits in total for its batches (batch) and for a compute thread (thread). If batch is much longer ' +
        'than SPINELINE_BATCH_DELAY_MS, the inference threads are busy. If thread is long, add compute threads.',
      unit: UNIT.seconds,
      queries: [
        { expr: quantile(0.95, 'spineline_phase_seconds', `${STAGE}, phase="batch_wait"`), legend: 'batch p95' },
        { expr: quantile(0.95, 'spineline_phase_seconds', `${STAGE}, phase="thread_wait"`), legend: 'thread p95' },
      ],
      width: 6,
      levels: 'it depends on the batch size and the models',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Workers',
      description: 'All workers of this stage, and the live ones. A falling line means that a worker exited.',
      unit: UNIT.count,
      queries: [
        { expr: `count by (stage) (${ofWorkers('spineline_worker_live')})`, legend: 'workers' },
        { expr: perStage('spineline_worker_live'), legend: 'live' },
      ],
      width: 6,
      levels: 'you decide how many there should be',
      decimals: 0,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Event loop lag',
      description:
        'Delay of the main thread of a worker (p99). That thread never computes, so a few milliseconds are usual. With ' +
        'seconds the worker may lose the locks of its jobs: the machine has too few cores, or was suspended.',
      unit: UNIT.seconds,
      queries: [{ expr: perWorker('nodejs_eventloop_lag_p99_seconds'), legend: '{{instance}}' }],
      width: 6,
      levels: badFrom(0.25, 2),
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Memory',
      description:
        'Resident memory of each worker. It is steady after the first studies. If it keeps rising or comes near the limit ' +
        'of the container, the worker will be killed: lower SPINELINE_CONCURRENCY.',
      unit: UNIT.bytes,
      queries: [{ expr: perWorker('process_resident_memory_bytes'), legend: '{{instance}}' }],
      width: 6,
      levels: 'the limit is that of the machine or container',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'GPU utilisation',
      description: `Share of the time that a GPU computes. If it is low while jobs wait, see batch fill and where the time goes. ${ONLY_WITH_GPU}`,
      unit: UNIT.share,
      queries: [
        {
          expr: `max by (instance, gpu) (${ofWorkers('spineline_gpu_utilization_ratio')})`,
          legend: '{{instance}} {{gpu}}',
        },
      ],
      width: 6,
      levels: 'idle is right when nothing waits',
      max: 1,
      noValue: 'no GPU',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'GPU memory',
      description: `Share of GPU memory in use. Near 100 % a larger batch fails: lower SPINELINE_BATCH_SIZE. ${ONLY_WITH_GPU}`,
      unit: UNIT.share,
      queries: [
        {
          expr:
            `max by (instance, gpu) (${ofWorkers('spineline_gpu_memory_used_bytes')}) / ` +
            `max by (instance, gpu) (${ofWorkers('spineline_gpu_memory_total_bytes')})`,
          legend: '{{instance}} {{gpu}}',
        },
      ],
      width: 6,
      levels: badFrom(0.9, 0.97),
      max: 1,
      noValue: 'no GPU',
    }),
  );
