/** What the pools stand on: the queue in Redis, the object store, and the exporter that watches both. */

import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { badFrom, curvesPanel, newDashboard, noticePanel, statPanel, UNIT } from './panels.ts';

const redisMemory = 'max(spineline_redis_memory_used_bytes)';
/** Nothing where Redis has no limit, which it calls 0. */
const redisLimit = '(max(spineline_redis_memory_max_bytes) > 0)';
const storeQuantile = (q: number) =>
  `histogram_quantile(${q}, sum by (le, target, operation) (rate(spineline_store_request_seconds_bucket[5m]))) >= 0`;

export const storeAndQueue = newDashboard({
  uid: 'spineline-store-and-queue',
  title: 'spineline: Store and queue',
  description: 'What the pools stand on: the queue in Redis, the object store, and the exporter that watches both.',
  from: 'now-3h',
  refresh: '30s',
})
  .withPanel(
    statPanel({
      title: 'Redis',
      description:
        'Whether the exporter reaches Redis. Down: no job is taken, nothing is lost. Bring it back; if it came back empty, ' +
        '`spineline resume RUN`.',
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
        'At the limit Redis refuses new jobs (noeviction). Raise maxmemory, or cancel a run. Empty where Redis has no limit.',
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
      description: 'Whether the pools take jobs. Paused by `spineline pause`; `spineline unpause` goes on.',
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
        'How long the study that waits longest has waited, at any stage. Over an hour: the pool of that stage is too small, ' +
        'stalled, or has no worker; the curves below say which.',
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
        'Whether Prometheus reaches the exporter. Down: progress, backlog and deadline are not known, and autoscaling ' +
        'stands still; the work itself goes on. Start it again: `spineline exporter`.',
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
      title: 'Exporter: last look',
      description:
        'Age of what the exporter says. Over a minute: Redis or the store does not answer it; see its errors below.',
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
        'Study jobs in each queue. Waiting that grows: the pool is too small. Delayed: they are tried again after a pause, so ' +
        'something failed for a while.',
      unit: UNIT.count,
      queries: [
        {
          expr: 'max by (queue, state) (spineline_queue_jobs{queue!~".+-pages"})',
          legend: '{{queue}} {{state}}',
        },
      ],
      width: 8,
      levels: 'an evening begins with many',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Pages by state',
      description:
        'Page jobs: studies that are not in the queue yet. Pages that fail hold their studies back: `spineline resume RUN`.',
      unit: UNIT.count,
      queries: [
        { expr: 'max by (queue, state) (spineline_queue_jobs{queue=~".+-pages"})', legend: '{{queue}} {{state}}' },
      ],
      width: 8,
      levels: 'an evening begins with many',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Oldest waiting, by queue',
      description: 'How long the oldest job of each queue has waited. A straight rise: nobody takes from that queue.',
      unit: UNIT.duration,
      queries: [{ expr: 'max by (queue) (spineline_queue_oldest_waiting_seconds)', legend: '{{queue}}' }],
      width: 8,
      levels: 'pages wait all night',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Paused, by queue',
      description: '1 while a queue is paused. A pause that nobody remembers is the usual reason for a quiet night.',
      unit: UNIT.count,
      queries: [{ expr: 'max by (queue) (spineline_queue_paused)', legend: '{{queue}}' }],
      width: 8,
      levels: 'a pause is what somebody wanted',
      max: 1,
      decimals: 0,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Redis memory',
      description:
        'Memory that Redis uses, and its limit where it has one. Redis holds few jobs a run, whatever its size: a steady ' +
        'rise over days is not usual.',
      unit: UNIT.bytes,
      queries: [
        { expr: redisMemory, legend: 'used' },
        { expr: redisLimit, legend: 'limit' },
      ],
      width: 8,
      levels: 'its share of the limit has them',
      colors: { limit: 'red' },
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Exporter errors',
      description:
        'Looks of the exporter that failed, at Redis or at the store. A few in a restart are usual; lasting ones mean that it ' +
        'has another address or password than the workers.',
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
        'Requests to the store, where outputs are, and to the source, where the images are. Many head requests with few ' +
        'writes: outputs are being reused.',
      unit: UNIT.requestsPerSecond,
      queries: [{ expr: 'store:spineline_requests:rate5m', legend: '{{target}} {{operation}}' }],
      width: 8,
      levels: 'it grows with the pools',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Latency p50',
      description: 'Half of the requests take longer. Empty for an operation that nobody asked for.',
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
        'One request in twenty takes longer. Rises with the load: the store or the network is the limit, and more workers ' +
        'make it worse. Empty for an operation that nobody asked for.',
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
        'Requests that failed for good. Studies are tried again with growing waits; lasting failures end in failed studies, ' +
        'which `spineline retry RUN --kind transient` takes up once the store is well.',
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
        'Requests that were tried again after a failure that may pass. The first sign of a store that is overloaded or ' +
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
      description: 'What passes between workers and store. Near what the network can do: it is the limit.',
      unit: UNIT.bytesPerSecond,
      queries: [
        {
          expr: 'sum by (target, direction) (rate(spineline_store_bytes_total[5m]))',
          legend: '{{target}} {{direction}}',
        },
      ],
      width: 8,
      levels: 'the limit is that of the network',
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Stage-key hits',
      description:
        'Share of the outputs that were found by their key and not computed again, by step. Near 100 % after a resume; near 0 ' +
        'where it should be high: the models or settings are not those of the earlier run.',
      unit: UNIT.share,
      queries: [{ expr: 'step:spineline_steps_reused:ratio5m', legend: '{{step}}' }],
      width: 12,
      levels: 'what is right depends on what the store holds',
      max: 1,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Outputs, found and made',
      description:
        'Outputs of each step a minute: reused were found by their key, the others were computed and written.',
      unit: UNIT.perMinute,
      queries: [
        {
          expr: '60 * sum by (step) (rate(spineline_steps_total{reused="true"}[5m]))',
          legend: '{{step}} reused',
        },
        {
          expr: '60 * sum by (step) (rate(spineline_steps_total{reused="false"}[5m]))',
          legend: '{{step}} made',
        },
      ],
      width: 12,
      levels: 'it grows with the pools',
    }),
  )
  .withPanel(noticePanel());
