/** One run: will it be finished in time, and what goes wrong? */

import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import {
  alertsPanel,
  badFrom,
  barsPanel,
  curvesPanel,
  gaugePanel,
  goodFrom,
  newDashboard,
  noticePanel,
  queriedVariable,
  statPanel,
  UNIT,
} from './panels.ts';

/** A metric of the run from the exporter. `max`: while one exporter replaces another there are two. */
const ofRun = (metric: string) => `max by (run) (${metric}{run="$run"})`;

const studies = ofRun('spineline_run_studies');
const scored = ofRun('spineline_run_studies_scored');
const failed = ofRun('spineline_run_studies_failed');
const left = ofRun('spineline_run_studies_left');
const deadline = ofRun('spineline_run_deadline_timestamp_seconds');
const timeLeft = 'run:spineline_time_left:seconds{run="$run"}';

/** When the last study is expected to be done or, in a run that is over, when it was. */
const finish =
  `((time() + ${timeLeft} and ${left} > 0) ` +
  `or (max by (run) (max_over_time(timestamp(spineline_run_studies_left{run="$run"} > 0)[$__range:1m])) and ${left} == 0))`;

/** The status of a run: the first entry whose condition holds. */
const STATUSES = [
  { text: 'cancelled', color: 'blue', when: `${ofRun('spineline_run_cancelled')} == 1` },
  { text: 'done', color: 'green', when: `${left} == 0 and ${failed} == 0` },
  { text: 'done, some failed', color: 'orange', when: `${left} == 0` },
  { text: 'paused', color: 'orange', when: `${left} > 0 and on () (max(spineline_queue_paused) == 1)` },
  { text: 'late', color: 'red', when: `time() + (${timeLeft} or 0 * ${left}) > ${deadline}` },
  { text: 'on time', color: 'green', when: `time() + ${timeLeft} <= ${deadline}` },
  { text: 'under way', color: 'green', when: `${timeLeft} >= 0` },
  { text: 'starting', color: 'blue', when: `time() - ${ofRun('spineline_run_created_timestamp_seconds')} < 900` },
  { text: 'stalled', color: 'red', when: `${left} > 0` },
];

/** Total of a counter over the time range of the dashboard, largest first, without zeros. */
const happened = (selector: string, label: string) =>
  `sort_desc(sum by (${label}) (increase(${selector}[$__range])) > 0)`;

const openPool = {
  title: 'Open this pool',
  url: `/d/spineline-pools?var-stage=\${__field.labels.stage}&\${__url_time_range}`,
};

export const tonight = newDashboard({
  uid: 'spineline-tonight',
  title: 'spineline: Tonight',
  description: 'One run: its progress, when it will be finished, and what goes wrong.',
  from: 'now-12h',
  refresh: '15s',
})
  .withVariable(
    queriedVariable(
      'run',
      'Run',
      // Runs within the time range, the newest first and selected by default.
      'query_result(sort_desc(max by (run) (last_over_time(spineline_run_created_timestamp_seconds[$__range]))))',
      '/run="([^"]+)"/',
    ),
  )
  .withPanel(
    statPanel({
      title: 'Status',
      description:
        'Status of the run. Late: the work that is left takes longer than the time until the deadline; add workers to ' +
        'the pool whose backlog grows. Stalled: no study was finished for 15 minutes; look at the alerts and at the ' +
        'pools. Paused: `spineline unpause` continues.',
      unit: UNIT.word,
      queries: [{ expr: STATUSES.map(({ when }, index) => `0 * (${when}) + ${index}`).join('\nor ') }],
      width: 5,
      levels: 'the colour is that of the word',
      words: STATUSES.map(({ text, color }, value) => ({ value, text, color })),
      noValue: 'no data of this run',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Time left',
      description:
        'Time for the studies that are left, at the rate of the last 15 minutes. Empty while nothing is finished: ' +
        'before the first study has passed all three stages, or when the run is stalled.',
      unit: UNIT.duration,
      queries: [{ expr: `${timeLeft} or 0 * (${left} == 0)` }],
      width: 4,
      levels: 'see Spare time',
      decimals: 0,
      noValue: 'not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Finish',
      description:
        'When the last study is expected to be finished; when it was finished, if the run is over. Empty while nothing ' +
        'is finished.',
      unit: UNIT.clock,
      queries: [{ expr: `1000 * ${finish}` }],
      width: 4,
      levels: 'see Spare time',
      noValue: 'not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Deadline',
      description: 'When the run must be finished: `spineline enqueue --deadline`. Empty for a run without a deadline.',
      unit: UNIT.clock,
      queries: [{ expr: `1000 * ${deadline}` }],
      width: 3,
      levels: 'see Spare time',
      noValue: 'none',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Spare time',
      description:
        'Time from the expected finish to the deadline. Orange: less than half an hour, so a short problem makes the ' +
        'run late. Red: late. Add workers, or stop a less urgent run. Empty without a deadline.',
      unit: UNIT.duration,
      queries: [{ expr: `${deadline} - ${finish}` }],
      width: 4,
      levels: goodFrom(0, 1800),
      decimals: 0,
      noValue: 'no deadline, or not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Alerts firing',
      description:
        'Alerts of spineline that fire now, for all runs. The list below names them; docs/runbook.md says what to do.',
      unit: UNIT.count,
      queries: [{ expr: 'count(ALERTS{alertname=~"Spineline.+", alertstate="firing"}) or vector(0)' }],
      width: 4,
      levels: [
        ['green', null],
        ['red', 1],
      ],
    }),
  )
  .withPanel(
    gaugePanel({
      title: 'Progress',
      description: 'Share of the studies that are scored or failed. If it does not change for a while, open the pools.',
      unit: UNIT.share,
      queries: [{ expr: `(${scored} + ${failed}) / (${studies} > 0)` }],
      width: 4,
      levels: 'a run begins at 0 % and ends at 100 %',
      decimals: 1,
    }),
  )
  .withPanel(
    barsPanel({
      title: 'Studies',
      description:
        'Studies that are scored, failed and left. `spineline failed RUN` lists the failed ones with the reason; ' +
        '`spineline retry RUN` tries them again.',
      unit: UNIT.count,
      queries: [
        { expr: scored, legend: 'scored' },
        { expr: failed, legend: 'failed' },
        { expr: left, legend: 'left' },
      ],
      width: 8,
      height: 5,
      levels: 'see Failed share',
      colors: { scored: 'green', failed: 'red', left: 'blue' },
    }),
  )
  .withPanel(
    statPanel({
      title: 'Failed share',
      description:
        'Share of failed studies among scored and failed ones. A few corrupt studies are usual. From 1 % look at the ' +
        'failures by reason; from 5 % something is wrong with the dataset, the models or the pools.',
      unit: UNIT.share,
      queries: [{ expr: `${failed} / clamp_min(${scored} + ${failed}, 1)` }],
      width: 3,
      height: 5,
      levels: badFrom(0.01, 0.05),
      decimals: 1,
    }),
  )
  .withPanel(
    statPanel({
      title: 'Class shares',
      description:
        'Share of the targets of scored studies that have no view. Their severities are the class shares of the ' +
        'training set; no image was looked at. Some studies without a series are usual. From 5 % look at the flags by ' +
        'code; from 10 % a kind of series is missing, or not recognised, in much of the dataset ' +
        '(SpinelineClassSharesHigh).',
      unit: UNIT.share,
      queries: [{ expr: `${ofRun('spineline_run_class_share_targets')} / clamp_min(25 * ${scored}, 1)` }],
      width: 3,
      height: 5,
      levels: badFrom(0.05, 0.1),
      decimals: 1,
    }),
  )
  .withPanel(
    statPanel({
      title: 'Throughput',
      description: 'Studies of this run that were scored or failed per minute, over the last 15 minutes.',
      unit: UNIT.studiesPerMinute,
      queries: [{ expr: '60 * run:spineline_studies_done:rate15m{run="$run"}' }],
      width: 3,
      height: 5,
      levels: 'what is enough depends on the run and its deadline',
      decimals: 1,
      noValue: 'not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Pages left',
      description:
        'Pages of the dataset whose studies are not in the queue yet. It falls to 0 long before the run is finished. If ' +
        'it does not fall while stage 1 has little to do, no worker of stage 1 unfolds pages.',
      unit: UNIT.count,
      queries: [{ expr: ofRun('spineline_run_pages_left') }],
      width: 3,
      height: 5,
      levels: 'many are usual at the start of a run',
    }),
  )
  .withPanel(noticePanel())
  .withRow(new RowBuilder('Progress by stage').id(1))
  .withPanel(
    curvesPanel({
      title: 'Studies through each stage',
      description:
        'Studies of the run that have finished a stage, and all its studies. A growing gap between two stages is work ' +
        'that waits for the later one: add workers to its pool.',
      unit: UNIT.count,
      queries: [
        { expr: 'max by (stage) (spineline_run_stage_studies{run="$run"})', legend: '{{stage}}' },
        { expr: studies, legend: 'all' },
      ],
      width: 8,
      levels: 'only the gaps matter',
      colors: { all: 'text' },
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Throughput by stage',
      description:
        'Studies per minute that leave a stage, for all runs. The slowest pool limits the run; click a curve to open it.',
      unit: UNIT.studiesPerMinute,
      queries: [{ expr: '60 * stage:spineline_studies:rate5m', legend: '{{stage}}' }],
      width: 8,
      levels: 'what is enough depends on the run and its deadline',
      link: openPool,
    }),
  )
  .withPanel(
    curvesPanel({
      title: 'Backlog by stage',
      description:
        'Jobs in the queue of each stage, for all runs. Add workers to the pool whose backlog grows; click a curve to ' +
        'open it.',
      unit: UNIT.count,
      queries: [{ expr: 'stage:spineline_backlog:jobs', legend: '{{stage}}' }],
      width: 8,
      levels: 'a large one is usual at the start of a run',
      link: openPool,
    }),
  )
  .withRow(new RowBuilder('Failures, flags and reuse (all runs, over the time range)').id(2))
  .withPanel(
    alertsPanel({
      title: 'Alerts',
      description: 'Alerts that fire or are pending. docs/runbook.md says what each means and what to do.',
      width: 6,
    }),
  )
  .withPanel(
    barsPanel({
      title: 'Failures by reason',
      description:
        'Studies of all runs that failed in the time range, by error code. DICOM_... and STUDY_...: the dataset. ' +
        'STORE_...: the object store. JOB_POISON: a study whose workers died. Empty if none failed.',
      unit: UNIT.count,
      queries: [{ expr: happened('spineline_job_failures_total', 'error_code'), legend: '{{error_code}}' }],
      width: 6,
      levels: 'see Failed share',
      decimals: 0,
      noValue: 'none',
    }),
  )
  .withPanel(
    barsPanel({
      title: 'Flags by code',
      description:
        'Flags on results of all runs in the time range. A flag is something that readers of the severities should ' +
        'know, such as a missing series. If one code is frequent, look at some of these studies. Empty if there are none.',
      unit: UNIT.count,
      queries: [{ expr: happened('spineline_flags_total', 'code'), legend: '{{code}}' }],
      width: 6,
      levels: 'which flags are usual depends on the dataset',
      decimals: 0,
      noValue: 'none',
    }),
  )
  .withPanel(
    barsPanel({
      title: 'Reused outputs',
      description:
        'Outputs of all runs that were found in the store and not computed again, in the time range. Many after a resume ' +
        'or in a reprocess; none for a new dataset. Empty if there are none.',
      unit: UNIT.count,
      queries: [{ expr: happened('spineline_steps_total{reused="true"}', 'step'), legend: '{{step}}' }],
      width: 6,
      levels: 'it depends on what the store holds',
      decimals: 0,
      noValue: 'none',
    }),
  );
