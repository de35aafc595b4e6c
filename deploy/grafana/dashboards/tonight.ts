/** One run: will the night be fine? */

import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { alertsPanel, badFrom, barsPanel, curvesPanel, gaugePanel, goodFrom, newDashboard, noticePanel, queriedVariable, statPanel, UNIT } from './panels.ts';

/** What the exporter says of the run. `max`: while one exporter takes over from another there are two. */
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

/** How it stands with a run: the first that holds. */
const VERDICTS = [
  { text: 'cancelled', color: 'blue', when: `${ofRun('spineline_run_cancelled')} == 1` },
  { text: 'done', color: 'green', when: `${left} == 0 and ${failed} == 0` },
  { text: 'done, some failed', color: 'orange', when: `${left} == 0` },
  { text: 'paused', color: 'orange', when: `${left} > 0 and on () (max(spineline_queue_paused) == 1)` },
  { text: 'late', color: 'red', when: `time() + (${timeLeft} or 0 * ${left}) > ${deadline}` },
  { text: 'on time', color: 'green', when: `time() + ${timeLeft} <= ${deadline}` },
  { text: 'under way', color: 'green', when: `${timeLeft} >= 0` },
  { text: 'starting', color: 'blue', when: `time() - ${ofRun('spineline_run_created_timestamp_seconds')} < 900` },
  { text: 'standing still', color: 'red', when: `${left} > 0` },
];

/** Total of a counter over the time that the dashboard shows, largest first, without what did not happen. */
const happened = (selector: string, label: string) =>
  `sort_desc(sum by (${label}) (increase(${selector}[$__range])) > 0)`;

const openPool = {
  title: 'Open this pool',
  url: `/d/spineline-pools?var-stage=\${__field.labels.stage}&\${__url_time_range}`,
};

export const tonight = newDashboard({
  uid: 'spineline-tonight',
  title: 'spineline: Tonight',
  description: 'One run: how far it is, when it will be done, and what goes wrong.',
  from: 'now-12h',
  refresh: '15s',
})
  .withVariable(
    queriedVariable(
      'run',
      'Run',
      // Runs that were there at any time shown, the newest first and chosen by default.
      'query_result(sort_desc(max by (run) (last_over_time(spineline_run_created_timestamp_seconds[$__range]))))',
      '/run="([^"]+)"/',
    ),
  )
  .withPanel(
    statPanel({
      title: 'Verdict',
      description:
        'How the run stands. Late: more time is left than there is until the deadline; add workers to the pool whose ' +
        'backlog grows. Standing still: no study was finished for 15 minutes; look at the alerts and at the pools. ' +
        'Paused: `spineline unpause` goes on.',
      unit: UNIT.word,
      queries: [{ expr: VERDICTS.map(({ when }, index) => `0 * (${when}) + ${index}`).join('\nor ') }],
      width: 5,
      levels: 'the word has the colour',
      words: VERDICTS.map(({ text, color }, value) => ({ value, text, color })),
      noValue: 'no data of this run',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Time left',
      description:
        'Studies left, at the pace of the last 15 minutes. Empty while nothing is finished: before the first study ' +
        'is through all three stages, or when the run stands still.',
      unit: UNIT.duration,
      queries: [{ expr: `${timeLeft} or 0 * (${left} == 0)` }],
      width: 4,
      levels: 'the spare time says whether it is too much',
      decimals: 0,
      noValue: 'not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Finish',
      description:
        'When the last study is expected to be done, or was, once the run is over. Empty while nothing is finished.',
      unit: UNIT.clock,
      queries: [{ expr: `1000 * ${finish}` }],
      width: 4,
      levels: 'the spare time says whether it is too late',
      noValue: 'not known',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Deadline',
      description: 'When the run has to be done: `spineline enqueue --deadline`. Empty for a run without one.',
      unit: UNIT.clock,
      queries: [{ expr: `1000 * ${deadline}` }],
      width: 3,
      levels: 'the spare time says whether it holds',
      noValue: 'none',
    }),
  )
  .withPanel(
    statPanel({
      title: 'Spare time',
      description:
        'From the finish to the deadline. Orange: less than half an hour, one retry of a pool away from being late. ' +
        'Red: late. Add workers, or let a less urgent run wait. Empty without a deadline.',
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
        'Alerts of spineline that fire now, in all runs. Which: the list below; what to do: docs/runbook.md.',
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
      description: 'Share of the studies that are scored or failed. When it does not move for a while, open the pools.',
      unit: UNIT.share,
      queries: [{ expr: `(${scored} + ${failed}) / (${studies} > 0)` }],
      width: 4,
      levels: 'a run begins at nothing and ends at 100 %',
      decimals: 1,
    }),
  )
  .withPanel(
    barsPanel({
      title: 'Studies',
      description:
        'Scored, failed and left. What failed and why: `spineline failed RUN`; what may be tried again: ' +
        '`spineline retry RUN`.',
      unit: UNIT.count,
      queries: [
        { expr: scored, legend: 'scored' },
        { expr: failed, legend: 'failed' },
        { expr: left, legend: 'left' },
      ],
      width: 8,
      height: 5,
      levels: 'the share of failures has them',
      colors: { scored: 'green', failed: 'red', left: 'blue' },
    }),
  )
  .withPanel(
    statPanel({
      title: 'Failed share',
      description:
        'Failed studies among those that are over. A few corrupt studies are usual; from 1 % on look at the failures by ' +
        'reason, from 5 % on something is wrong with the dataset, the models or the pools.',
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
        'Share of the targets of scored studies that had no view: their severities are the class shares of the training ' +
        'set, of no image. A study lacks a series here and there; from 5 % on look at the flags by code, from 10 % on a ' +
        'kind of series is missing, or is not recognised, in much of the dataset (SpinelineClassSharesHigh).',
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
      title: 'Pace',
      description: 'Studies of this run that were finished, scored or failed, a minute over the last 15 minutes.',
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
        'Pages of the dataset whose studies are not in the queue yet. Falls to 0 long before the run is done; if it does ' +
        'not fall while stage 1 has little to do, no worker of stage 1 feeds the queue.',
      unit: UNIT.count,
      queries: [{ expr: ofRun('spineline_run_pages_left') }],
      width: 3,
      height: 5,
      levels: 'many are usual in the evening',
    }),
  )
  .withPanel(noticePanel())
  .withRow(new RowBuilder('On the way').id(1))
  .withPanel(
    curvesPanel({
      title: 'Studies through each stage',
      description:
        'Studies of the run that are through a stage, against all of them. A gap that widens between two stages is ' +
        'work that waits for the later one: give its pool workers.',
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
        'Studies that leave a stage, of all runs. The slowest pool sets the pace of the night; click a curve to open it.',
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
        'Jobs in the queue of each stage, of all runs. The pool whose backlog grows is the one to give workers; click a ' +
        'curve to open it.',
      unit: UNIT.count,
      queries: [{ expr: 'stage:spineline_backlog:jobs', legend: '{{stage}}' }],
      width: 8,
      levels: 'an evening begins with a large one',
      link: openPool,
    }),
  )
  .withRow(new RowBuilder('What goes wrong, and what was saved (all runs, over the time shown)').id(2))
  .withPanel(
    alertsPanel({
      title: 'Alerts',
      description: 'Alerts that fire or are about to. What each means and what to do: docs/runbook.md.',
      width: 6,
    }),
  )
  .withPanel(
    barsPanel({
      title: 'Failures by reason',
      description:
        'Studies that failed over the time shown, of all runs, by error code. Codes DICOM_... and STUDY_... are the dataset; ' +
        'STORE_... the object store; JOB_POISON is a study that takes its worker down. Empty when none failed.',
      unit: UNIT.count,
      queries: [{ expr: happened('spineline_job_failures_total', 'error_code'), legend: '{{error_code}}' }],
      width: 6,
      levels: 'the share of failures has them',
      decimals: 0,
      noValue: 'none',
    }),
  )
  .withPanel(
    barsPanel({
      title: 'Flags by code',
      description:
        'Flags on the results over the time shown, of all runs: what a reader of the severities should know, such as a ' +
        'missing series. Many of one code: look at a few of these studies. Empty when there was none.',
      unit: UNIT.count,
      queries: [{ expr: happened('spineline_flags_total', 'code'), legend: '{{code}}' }],
      width: 6,
      levels: 'a flag is a note, and which are usual depends on the dataset',
      decimals: 0,
      noValue: 'none',
    }),
  )
  .withPanel(
    barsPanel({
      title: 'Reused outputs',
      description:
        'Outputs that were found by their key and not computed again, over the time shown, of all runs. Many after a ' +
        'resume or in a reprocessed run; none in a new dataset. Empty when none was.',
      unit: UNIT.count,
      queries: [{ expr: happened('spineline_steps_total{reused="true"}', 'step'), legend: '{{step}}' }],
      width: 6,
      levels: 'how many there can be depends on what the store holds',
      decimals: 0,
      noValue: 'none',
    }),
  );
