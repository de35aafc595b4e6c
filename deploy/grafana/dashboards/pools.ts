/** The three worker pools, a row each: rate, errors and duration of the work; use, saturation and errors of the workers. */

import { STAGE_NAMES } from '@spineline/shared/domain';
import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { badFrom, barsPanel, curvesPanel, listedVariable, newDashboard, noticePanel, statPanel, tablePanel, UNIT } from './panels.ts';

const STAGE = 'stage=~"$stage"';
/** A metric of the chosen stage's workers, a series a worker. */
const ofWorkers = (metric: string) => `${metric}{job="spineline-worker", ${STAGE}}`;
const perWorker = (metric: string) => `max by (instance) (${ofWorkers(metric)})`;
const perStage = (metric: string) => `sum by (stage) (${ofWorkers(metric)})`;
const quantile = (q: number, metric: string, matchers = STAGE) =>
  `histogram_quantile(${q}, sum by (le, stage) (rate(${metric}_bucket{${matchers}}[5m]))) >= 0`;

/** Loaded bundles by what tells them apart, with a digest short enough to read. */
const models =
  `count by (stage, bundle, version, digest, execution_provider) ` +
  `(label_replace(spineline_model_info{${STAGE}}, "digest", "$1", "digest", "(?:sha256:)?(.{12}).*"))`;

const ONLY_WITH_GPU = 'Empty where nvidia-smi is not on the machine, so on every machine without an NVIDIA GPU.';

export const pools = newDashboard({
  uid: 'spineline-pools',
  title: 'spineline: Pools',
  description: 'The workers of each stage: how fast, how busy, what they wait for.',
  from: 'now-3h',
  refresh: '15s',
})
  .withVariable(listedVariable('stage', 'Stage', STAGE_NAMES))
  .withPanel(
    barsPanel({
      title: 'Workers by stage',
      description:
        'Workers that answer Prometheus. Fewer than were started: look at the container or pod. A stage without a bar ' +
        'has none: nothing of it is done.',
      unit: UNIT.count,
      queries: [{ expr: `count by (stage) (spineline_worker_live{${STAGE}})`, legend: '{{stage}}' }],
      width: 6,
      levels: 'how many there should be is up to whoever runs the cluster',
    }),
  )
  .withPanel(
    tablePanel({
      title: 'Models in use',
      description:
        'Bundles that the workers have loaded, and how many workers have each. Two digests of one version in a stage, or a ' +
        'CPU where a GPU was meant, want a look: `spineline models` lists what the store has. Empty until the first study.',
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
        'Workers that are live: they started a job lately or none waits. Fewer than there are workers: one is stuck and ' +
        'will be restarted; see its log.',
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
        'Workers that answer but are not live: work waits and they start none. Restart them; see their logs.',
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
      title: 'Jobs in hand',
      description: 'Jobs that the workers have in hand, and how many they take at once at most.',
      unit: UNIT.count,
      queries: [
        { expr: perStage('spineline_jobs_in_progress'), legend: 'in hand' },
        { expr: perStage('spineline_job_slots'), legend: 'at most' },
      ],
      width: 6,
      levels: 'none in hand is right when nothing waits',
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
      levels: 'an evening begins with many',
      noValue: 'not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Last job taken',
      description:
        'Time since a worker of this stage last took a job. Long while jobs wait: the pool is stalled; restart it and see its ' +
        'logs. Empty before the first job.',
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
      description: 'Studies that leave this stage. Falls to 0 while jobs wait: look at errors and live workers.',
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
        'Jobs that failed for good among those that ended. From 1 % on look at the failures by reason (Tonight); a pool ' +
        'that fails everything has a bad model, dataset or store.',
      unit: UNIT.share,
      queries: [{ expr: `stage:spineline_job_errors:ratio5m{${STAGE}}`, legend: 'failed' }],
      width: 6,
      levels: badFrom(0.01, 0.05),
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Errors: what became of jobs',
      description:
        'Jobs by how they were left. Retried: the network or the store failed for a while. Failed: recorded, the run goes ' +
        'on. Cancelled: their run was.',
      unit: UNIT.jobsPerMinute,
      queries: [{ expr: `60 * sum by (outcome) (rate(spineline_jobs_total{${STAGE}}[5m]))`, legend: '{{outcome}}' }],
      width: 6,
      levels: 'the share that failed has them',
      colors: { failed: 'red', retried: 'orange' },
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Duration: a job',
      description:
        'How long a worker has a job in hand, waiting for a thread or a batch included. When it grows, the phases below ' +
        'say which part does.',
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
        'Shares of the job time by phase. Mostly inference: the models are the limit, add workers or a GPU. Mostly fetch or ' +
        'write: the store is. Mostly thread_wait or decode: give it more compute threads. Mostly batch_wait: batches ' +
        'fill slowly, lower the delay or raise the concurrency.',
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
        'Share of the job slots with a job in hand, and of the time that the inference threads compute. Slots full and ' +
        'inference not: something before or after the models holds it up. Both low while jobs wait: the pool is stalled.',
      unit: UNIT.share,
      queries: [
        { expr: `stage:spineline_job_slots_busy:ratio5m{${STAGE}}`, legend: 'slots' },
        { expr: `stage:spineline_inference_busy:ratio5m{${STAGE}}`, legend: 'inference' },
      ],
      width: 6,
      levels: 'busy is good while there is work, idle when there is none',
      max: 1,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Batch fill',
      description:
        'Samples of a model run against the most that it takes. On a GPU a low fill wastes it: raise SPINELINE_CONCURRENCY ' +
        'or SPINELINE_BATCH_DELAY_MS. On a CPU it hardly matters.',
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
      description: 'Jobs in the queue of this stage. Growing for long: this pool is the slowest; give it workers.',
      unit: UNIT.count,
      queries: [{ expr: `stage:spineline_backlog:jobs{${STAGE}}`, legend: 'jobs' }],
      width: 6,
      levels: 'an evening begins with many',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Saturation: waiting in the queue',
      description:
        'How long jobs lay in the queue before a worker took them. Long in stages 2 and 3: their pools are too small.',
      unit: UNIT.duration,
      queries: [
        { expr: quantile(0.5, 'spineline_queue_wait_seconds'), legend: 'p50' },
        { expr: quantile(0.95, 'spineline_queue_wait_seconds'), legend: 'p95' },
      ],
      width: 6,
      levels: 'a full queue in front of a busy pool is what a night looks like',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Saturation: waiting inside a worker',
      description:
        'How long a job waits in all for its samples to be computed with others (batch), and for a compute thread. Batch much ' +
        'longer than SPINELINE_BATCH_DELAY_MS: the inference threads are full. Thread: more compute threads help.',
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
      description: 'Workers of this stage, and those that are live. A line that falls is a worker that ended.',
      unit: UNIT.count,
      queries: [
        { expr: `count by (stage) (${ofWorkers('spineline_worker_live')})`, legend: 'workers' },
        { expr: perStage('spineline_worker_live'), legend: 'live' },
      ],
      width: 6,
      levels: 'how many there should be is up to whoever runs the cluster',
      decimals: 0,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Event loop lag',
      description:
        'By how much the main thread of a worker is late (p99). It never computes, so this is a few milliseconds; seconds ' +
        'mean that it may lose the locks of its jobs: the machine has too few cores, or pauses.',
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
        'Resident memory of each worker. Steady after the first studies; a rise without end, or one up to the limit of the ' +
        'container, ends in a killed worker: lower SPINELINE_CONCURRENCY.',
      unit: UNIT.bytes,
      queries: [{ expr: perWorker('process_resident_memory_bytes'), legend: '{{instance}}' }],
      width: 6,
      levels: 'the limit is that of the machine or container',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'GPU utilisation',
      description: `Share of the time that a GPU computes. Low while jobs wait: see batch fill and where the time goes. ${ONLY_WITH_GPU}`,
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
      description: `Share of a GPU's memory that is in use. Near 100 % a larger batch fails; lower SPINELINE_BATCH_SIZE. ${ONLY_WITH_GPU}`,
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
