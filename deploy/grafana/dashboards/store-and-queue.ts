/** What the pools depend on: the queues in Redis, the object store, and the exporter that watches both. */

import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { badFrom, curvesPanel, newDashboard, noticePanel, statPanel, UNIT } from './panels.ts';

const redisMemory = 'max(spineline_redis_memory_used_bytes)';
/** No value if Redis has no limit, which it reports as 0. */
const redisLimit = '(max(spineline_redis_memory_max_bytes) > 0)';
const storeQuantile = (q: number) =>
  `histogram_quantile(${q}, sum by (le, target, operation) (rate(spineline_store_request_seconds_bucket[5m]))) >= 0`;

export const storeAndQueue = newDashboard({
  uid: 'spineline-store-and-queue',
  title: 'spineline: Store and queue',
  description: 'What the pools depend on: the queues in Redis, the object store, and the exporter that watches both.',
  from: 'now-3h',
  refresh: '30s',
})
  .withPanel(
    statPanel({
      title: 'Redis',
      description:
        'Whether the exporter reaches Redis. If Redis is down, no job is taken, but no result is lost. Restart it; if it ' +
        'is empty afterwards, `spineline resume RUN`.',
      unit: UNIT.word,
      queries: [{ expr: 'max(spineline_redis_up)' }],
      width: 4,
      levels: [
        ['red', null],
        ['green', 1],
      ],
      words: [
        { value: 0, text: 'down', color: 'red' },
        { value: 1, text: 'up', color: 'green' },
      ],
      noValue: 'not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Redis memory, of its limit',
      description:
        'At the limit Redis refuses new jobs (noeviction). Raise maxmemory, or cancel a run. Empty if Redis has no limit.',
      unit: UNIT.share,
      queries: [{ expr: `${redisMemory} / ${redisLimit}` }],
      width: 4,
      levels: badFrom(0.7, 0.85),
      decimals: 1,
      noValue: 'no limit',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Queues',
      description: 'Whether the pools take jobs. `spineline pause` pauses them; `spineline unpause` continues.',
      unit: UNIT.word,
      queries: [{ expr: 'max(spineline_queue_paused)' }],
      width: 4,
      levels: [
        ['green', null],
        ['orange', 1],
      ],
      words: [
        { value: 0, text: 'open', color: 'green' },
        { value: 1, text: 'paused', color: 'orange' },
      ],
      noValue: 'not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Oldest waiting',
      description:
        'The longest time that a study has waited, at any stage. Over an hour, the pool of that stage is too small, is ' +
        'stalled, or has no worker; the curves below show the stage.',
      unit: UNIT.duration,
      queries: [{ expr: 'max(spineline_queue_oldest_waiting_seconds{queue!~".+-pages"})' }],
      width: 4,
      levels: badFrom(1800, 3600),
      decimals: 0,
      noValue: 'not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Exporter',
      description:
        'Whether Prometheus reaches the exporter. If it is down, progress, backlog and deadline are unknown and pools are ' +
        'not scaled; the workers continue. Restart it: `spineline exporter`.',
      unit: UNIT.word,
      queries: [{ expr: 'max(up{job="spineline-exporter"})' }],
      width: 4,
      levels: [
        ['red', null],
        ['green', 1],
      ],
      words: [
        { value: 0, text: 'down', color: 'red' },
        { value: 1, text: 'up', color: 'green' },
      ],
      noValue: 'none',
    }),
  )
  .withPanel(
    statPanel({
      title: "Age of the exporter's data",
      description:
        'Time since the exporter last updated its data. Over a minute, Redis or the store does not answer it; see its ' +
        'errors below.',
      unit: UNIT.duration,
      queries: [{ expr: 'time() - max(spineline_exporter_last_refresh_timestamp_seconds)' }],
      width: 4,
      levels: badFrom(60, 120),
      decimals: 0,
      noValue: 'not known',
    }),
  )
  .withRow(new RowBuilder('Queue').id(1))
  .withPanel(
    curvesPanel({
      title: 'Jobs by state',
      description:
        'Study jobs in each queue. If the waiting jobs grow, the pool is too small. Delayed jobs wait for a retry, so ' +
        'something failed for a moment.',
      unit: UNIT.count,
      queries: [
        {
          expr: 'max by (queue, state) (spineline_queue_jobs{queue!~".+-pages"})',
          legend: '{{queue}} {{state}}',
        },
      ],
      width: 8,
      levels: 'many are usual at the start of a run',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Pages by state',
      description:
        'Page jobs: their studies are not in the queue yet. If a page fails, its studies are not enqueued: ' +
        '`spineline resume RUN`.',
      unit: UNIT.count,
      queries: [
        { expr: 'max by (queue, state) (spineline_queue_jobs{queue=~".+-pages"})', legend: '{{queue}} {{state}}' },
      ],
      width: 8,
      levels: 'many are usual at the start of a run',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Oldest waiting, by queue',
      description:
        'How long the oldest job of each queue has waited. If it rises steadily, no worker takes from the queue.',
      unit: UNIT.duration,
      queries: [{ expr: 'max by (queue) (spineline_queue_oldest_waiting_seconds)', legend: '{{queue}}' }],
      width: 8,
      levels: 'pages wait for most of a run',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Paused, by queue',
      description: '1 while a queue is paused. A forgotten pause is a common reason why nothing happens.',
      unit: UNIT.count,
      queries: [{ expr: 'max by (queue) (spineline_queue_paused)', legend: '{{queue}}' }],
      width: 8,
      levels: 'a pause is intended',
      max: 1,
      decimals: 0,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Redis memory',
      description:
        'Memory that Redis uses, and its limit if it has one. Redis holds few jobs per run, even of a large run: a steady ' +
        'rise over days is not usual.',
      unit: UNIT.bytes,
      queries: [
        { expr: redisMemory, legend: 'used' },
        { expr: redisLimit, legend: 'limit' },
      ],
      width: 8,
      levels: 'see Redis memory, of its limit',
      colors: { limit: 'red' },
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Exporter errors',
      description:
        'Failed queries of the exporter, to Redis or about runs. A few during a restart are usual. If they continue, the ' +
        'exporter may have another address or password than the workers.',
      unit: UNIT.perMinute,
      queries: [{ expr: '60 * sum by (source) (rate(spineline_exporter_errors_total[5m]))', legend: '{{source}}' }],
      width: 8,
      levels: badFrom(0.5, 2),
    }),
  )
  .withRow(new RowBuilder('Store').id(2))
  .withPanel(
    curvesPanel({
      title: 'Requests by operation',
      description:
        'Requests to the store, which holds the outputs, and to the source, which holds the images. Many head requests ' +
        'with few writes mean that outputs are reused.',
      unit: UNIT.requestsPerSecond,
      queries: [{ expr: 'store:spineline_requests:rate5m', legend: '{{target}} {{operation}}' }],
      width: 8,
      levels: 'it grows with the pools',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Latency p50',
      description: 'Half of the requests take longer than this. An operation without requests has no curve.',
      unit: UNIT.seconds,
      queries: [{ expr: storeQuantile(0.5), legend: '{{target}} {{operation}}' }],
      width: 8,
      levels: badFrom(1, 5),
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Latency p95',
      description:
        '5 % of the requests take longer than this. If it rises with the load, the store or the network is the limit, and ' +
        'more workers make it worse. An operation without requests has no curve.',
      unit: UNIT.seconds,
      queries: [{ expr: storeQuantile(0.95), legend: '{{target}} {{operation}}' }],
      width: 8,
      levels: badFrom(2, 10),
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Share of requests that fail',
      description:
        'Requests that failed after all their retries. Studies are retried with growing waits; if the store stays down, ' +
        'they fail. When the store works again, `spineline retry RUN --kind transient` tries them again.',
      unit: UNIT.share,
      queries: [{ expr: 'store:spineline_errors:ratio5m', legend: '{{target}}' }],
      width: 8,
      levels: badFrom(0.01, 0.05),
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Retries',
      description:
        'Requests that were retried after a transient failure. Many are the first sign that the store is overloaded or ' +
        'throttles: fewer workers may be faster.',
      unit: UNIT.perMinute,
      queries: [{ expr: '60 * sum by (target) (rate(spineline_store_retries_total[5m]))', legend: '{{target}}' }],
      width: 8,
      levels: badFrom(6, 60),
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Bytes read and written',
      description:
        'Data between workers, store and source. Near the capacity of the network, the network is the limit.',
      unit: UNIT.bytesPerSecond,
      queries: [
        {
          expr: 'sum by (target, direction) (rate(spineline_store_bytes_total[5m]))',
          legend: '{{target}} {{direction}}',
        },
      ],
      width: 8,
      levels: 'it depends on the network',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Stage-key hits',
      description:
        'Share of outputs that were found in the store and not computed again, by step. Near 100 % after a resume. If it ' +
        'is near 0 but should be high, models or settings differ from those of the earlier run.',
      unit: UNIT.share,
      queries: [{ expr: 'step:spineline_steps_reused:ratio5m', legend: '{{step}}' }],
      width: 12,
      levels: 'it depends on what the store holds',
      max: 1,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Outputs, reused and computed',
      description:
        'Outputs per minute and step: reused ones were found in the store, computed ones were written to it.',
      unit: UNIT.perMinute,
      queries: [
        {
          expr: '60 * sum by (step) (rate(spineline_steps_total{reused="true"}[5m]))',
          legend: '{{step}} reused',
        },
        {
          expr: '60 * sum by (step) (rate(spineline_steps_total{reused="false"}[5m]))',
          legend: '{{step}} computed',
        },
      ],
      width: 12,
      levels: 'it grows with the pools',
    }),
  )
  .withPanel(noticePanel());
