/** The screen of `status --watch`: turns a look at a run into lines that fit the terminal. */

import { STAGE_NAMES, type Stage, FIRST_STAGE, STAGES, stageLabel, counted } from '@spineline/shared/domain';
import { classSharesText } from '@spineline/shared/runs';
import type { Silence, RunLook } from '@spineline/shared/watching';
import { sparkline } from './sparkline.ts';
import { duration, err, type Palette } from './style.ts';
import { columnsOf, cut, oneLine, wrap } from './text.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

type Paint = (text: string) => string;
/** A text and its colour, which is applied after the text is cut to its width. */
type Span = readonly [text: string, paint?: Paint];

/**
 * If there is no room for all lines, those with the highest rank are left out first; of equal ranks, the lowest line.
 */
interface Line {
  readonly rank: number;
  readonly spans: readonly Span[];
}
const RANK = {
  notice: 0,
  head: 1,
  warning: 2,
  counts: 3,
  shares: 4,
  pace: 5,
  stage: 6,
  header: 7,
  pulse: 8,
  failure: 9,
  remark: 10,
  blank: 11,
};
const line = (rank: number, ...spans: Span[]): Line => ({ rank, spans });
const blank = () => line(RANK.blank);

const JOBS = ['waiting', 'active', 'delayed', 'failed'] as const;
const JOB_RANK = { waiting: 6, active: 7, delayed: 9, failed: 10 };
const BAR = { least: 6, most: 30, mostOfAll: 60 };
const GAP = '  ';
const STUDY_COLUMNS = 24;
const CODE_COLUMNS = 24;

/** @returns at most `rows` lines of at most `columns` columns. */
export function liveView(look: RunLook, { columns, rows }: Size, palette: Palette = err): string[] {
  const lines = [
    ...head(look, columns, palette),
    blank(),
    ...stageTable(look, columns, palette),
    ...remarks(look, columns, palette),
    ...pulse(look, columns, palette),
    ...failures(look, palette),
    ...warnings(look, columns, palette),
    ...notice(look, columns, palette),
  ];
  while (lines.length > rows) {
    const highest = Math.max(...lines.map(({ rank }) => rank));
    lines.splice(
      lines.findLastIndex(({ rank }) => rank === highest),
      1,
    );
  }
  return lines.map(({ spans }) => painted(spans, columns));
}

function head(look: RunLook, columns: number, palette: Palette): Line[] {
  const { run, studies } = look.run;
  const [word, paint] = stateOf(look, palette);
  const done = look.scored + look.failed;
  const counts: Span[] = [
    [`${count(look.scored)} scored`, palette.good],
    [`${count(look.failed)} failed`, look.failed > 0 ? palette.bad : undefined],
    [`${count(look.left)} of ${counted(studies, 'study', 'studies')} left`],
  ];
  const shares = classSharesText(look.classShares, look.scored);
  const room = Math.min(BAR.mostOfAll, columns - ' 100 %'.length);
  return [
    line(RANK.head, [run, palette.strong], [GAP], [word, paint], [GAP], [clock(look.at, look.at, true), palette.faint]),
    line(RANK.pace, [bar(done / studies, room)], [percent(done, studies).padStart(' 100 %'.length)]),
    ...flow(RANK.counts, counts, columns),
    ...(shares ? paragraph(RANK.shares, `class shares, since no view exists: ${shares}`, columns, palette.warn) : []),
    ...flow(RANK.pace, paceOf(look, palette), columns),
  ];
}

function stateOf(look: RunLook, palette: Palette): [string, Paint] {
  if (look.end === 'over') return ['finished', look.failed > 0 ? palette.warn : palette.good];
  if (look.end) return [look.end, palette.bad];
  if (look.silent.redis) return ['Redis does not answer', palette.bad];
  if (look.paused.length === STAGE_NAMES.length) return ['paused', palette.warn];
  return waitsForWorkers(look) ? ['waiting for workers', palette.warn] : ['under way', palette.good];
}

/** Whether jobs wait although no job is active and none was finished recently. */
function waitsForWorkers({ stages, pagesWaiting, paused, end }: RunLook): boolean {
  const all = STAGE_NAMES.map((stage) => stages[stage]);
  const waiting = pagesWaiting + all.reduce((sum, { jobs }) => sum + jobs.waiting, 0);
  const idle = all.every(({ jobs, perSecond }) => jobs.active === 0 && perSecond === 0);
  return !end && waiting > 0 && idle && paused.length === 0;
}

function paceOf({ at, run, perSecond, secondsLeft, end }: RunLook, palette: Palette): Span[] {
  const deadline = run.deadline === undefined ? undefined : new Date(run.deadline);
  if (end) return deadline ? [[`deadline ${clock(deadline, at)}`]] : [];
  const finish = secondsLeft === undefined ? undefined : new Date(at.getTime() + 1000 * secondsLeft);
  const spans: Span[] = [
    [`${perMinute(perSecond)} studies/min`],
    [secondsLeft === undefined ? 'time left not known yet' : `${duration(secondsLeft)} left`],
  ];
  if (finish) spans.push([`expected finish ${clock(finish, at)}`, palette.strong]);
  if (deadline) spans.push(againstDeadline(deadline, at, finish, palette));
  return spans;
}

function againstDeadline(deadline: Date, at: Date, finish: Date | undefined, palette: Palette): Span {
  const text = `deadline ${clock(deadline, at)}`;
  const spare = (deadline.getTime() - (finish ?? at).getTime()) / 1000;
  if (at >= deadline) return [`${text}, passed`, palette.bad];
  if (!finish) return [`${text}, in ${duration(spare)}`];
  return spare >= 0
    ? [`${text}, ${duration(spare)} to spare`, palette.good]
    : [`${text}, late by ${duration(-spare)}`, palette.bad];
}

interface Column {
  readonly title: string;
  /** If there is no room for all columns, those with the highest rank are left out first. */
  readonly rank: number;
  /** @param columns width of a bar. */
  readonly cell: (stage: Stage, columns: number) => string;
  readonly toTheLeft?: boolean;
}

function stageTable(look: RunLook, columns: number, palette: Palette): Line[] {
  const shown = fitting(stageColumns(look), columns);
  const row = (cellOf: (column: Column) => string) =>
    shown
      .map((column) => {
        const cell = cellOf(column);
        const padding = ' '.repeat(widthOf(column) - columnsOf(cell));
        return column.toTheLeft ? cell + padding : padding + cell;
      })
      .join(GAP);
  const jobs = shown.map(({ title }) => title).filter((title) => title in JOB_RANK);
  const isPaused = (stage: Stage) => look.paused.includes(stage);
  return [
    line(RANK.header, [row(({ title }) => title), palette.faint]),
    ...STAGE_NAMES.map((stage) =>
      line(RANK.stage, [row(({ cell }) => cell(stage, BAR.least)), isPaused(stage) ? palette.warn : undefined]),
    ),
    ...(jobs.length > 0 ? paragraph(RANK.remark, `${jobs.join(', ')}: jobs of all runs`, columns, palette.faint) : []),
  ];
}

function stageColumns({ stages, run, end }: RunLook): Column[] {
  const all = run.studies;
  const entry = STAGE_NAMES.indexOf(run.from?.stage ?? FIRST_STAGE);
  // Studies whose parent result exists skip this stage.
  const mayBeSkipped = (stage: Stage) => STAGE_NAMES.indexOf(stage) < entry;
  const barOf = (stage: Stage, columns: number) =>
    mayBeSkipped(stage) ? ' '.repeat(columns) : bar(stages[stage].done / all, columns);
  const left = (stage: Stage) => {
    const { secondsLeft } = stages[stage];
    return end || !secondsLeft || mayBeSkipped(stage) ? '–' : duration(Math.ceil(secondsLeft));
  };
  const reused: Column = { title: 'reused', rank: 8, cell: (stage) => count(stages[stage].reused) };
  return [
    { title: 'stage', rank: 0, cell: (stage) => stageLabel(stage), toTheLeft: true },
    { title: '', rank: 3, cell: barOf },
    { title: 'done', rank: 1, cell: (stage) => count(stages[stage].done) },
    { title: 'of', rank: 5, cell: (stage) => (mayBeSkipped(stage) ? '–' : count(all)) },
    ...(STAGE_NAMES.some((stage) => stages[stage].reused > 0) ? [reused] : []),
    ...JOBS.map((name): Column => ({
      title: name,
      rank: JOB_RANK[name],
      cell: (stage) => count(stages[stage].jobs[name]),
    })),
    { title: 'per min', rank: 4, cell: (stage) => perMinute(stages[stage].perSecond) },
    { title: 'left', rank: 2, cell: left },
  ];
}

/** The columns for which there is room. The remaining width goes to the bars. */
function fitting(all: readonly Column[], columns: number): Column[] {
  const over = (some: readonly Column[]) =>
    columns - some.reduce((sum, column) => sum + widthOf(column), (some.length - 1) * GAP.length);
  let shown = [...all];
  while (over(shown) < 0 && shown.length > 1) {
    const highest = Math.max(...shown.map(({ rank }) => rank));
    shown = shown.filter(({ rank }) => rank !== highest);
  }
  const long = Math.min(BAR.most, BAR.least + over(shown));
  return shown.map((column) => (column.title ? column : { ...column, cell: (stage) => column.cell(stage, long) }));
}

function widthOf({ title, cell }: Column): number {
  return Math.max(title.length, ...STAGE_NAMES.map((stage) => columnsOf(cell(stage, BAR.least))));
}

function remarks({ listed, end, pagesWaiting, run }: RunLook, columns: number, palette: Palette): Line[] {
  const texts: string[] = [];
  if (pagesWaiting > 0) texts.push(`${counted(pagesWaiting, 'page')} of all runs not unfolded yet`);
  if (run.from && run.from.stage !== FIRST_STAGE) texts.push(`studies enter at stage ${STAGES[run.from.stage].number}`);
  if (end !== 'over') texts.push('counts from Redis, off by up to about 1 %');
  if (end !== 'over' && listed) {
    const { at, scored, failed } = listed;
    texts.push(`in the store at ${clock(at, at, true)}: ${count(scored)} scored, ${count(failed)} failed`);
  }
  return texts.length > 0 ? paragraph(RANK.remark, texts.join('; '), columns, palette.faint) : [];
}

function pulse({ pulse: { seconds, counts }, end }: RunLook, columns: number, palette: Palette): Line[] {
  if (end && counts.length === 0) return [];
  const title = 'throughput ';
  const every = `one bar per ${duration(seconds)}`;
  const scaleOf = (shown: readonly number[]) => {
    if (shown.length === 0) return every;
    const top = Math.max(...shown) / seconds;
    const last = duration(shown.length * seconds).replace(/ 0 s$/, '');
    return `${every}, last ${last}${top > 0 ? `, █ ${perMinute(top)}/min` : ''}`;
  };
  // Put the bars on the line of the scale (which may become a little longer) if enough of them fit; else above it.
  const beside = columns - title.length - GAP.length - scaleOf(counts).length - ' 10 s'.length;
  const shown = counts.slice(-(beside >= Math.min(BAR.most, counts.length) ? beside : columns - title.length));
  const spans: Span[] = [[title + sparkline(shown)], [scaleOf(shown), palette.faint]];
  return [blank(), ...flow(RANK.pulse, spans, columns)];
}

function failures({ failures: latest, at }: RunLook, palette: Palette): Line[] {
  if (latest.length === 0) return [];
  const cells = latest.map(({ failed, stage, study, code, message }) => [
    clock(new Date(failed), at, true),
    stage,
    cut(oneLine(study), STUDY_COLUMNS),
    cut(oneLine(code), CODE_COLUMNS),
    oneLine(message),
  ]);
  const width = (i: number) => Math.max(...cells.map((row) => columnsOf(row[i]!)));
  const widths = [0, 1, 2, 3].map(width);
  const padded = (row: string[], i: number) => row[i]! + ' '.repeat(widths[i]! - columnsOf(row[i]!) + GAP.length);
  return [
    blank(),
    line(RANK.failure, ['last failures', palette.faint]),
    ...cells.map((row) =>
      line(RANK.failure, [padded(row, 0) + padded(row, 1) + padded(row, 2)], [padded(row, 3), palette.bad], [row[4]!]),
    ),
  ];
}

function warnings(look: RunLook, columns: number, palette: Palette): Line[] {
  const lines = warningsOf(look).flatMap(({ text }) => paragraph(RANK.warning, text, columns, palette.warn));
  return lines.length > 0 ? [blank(), ...lines] : [];
}

export interface Warning {
  readonly about: 'Redis' | 'store' | 'paused' | 'workers' | 'cancelled' | 'nothing queued';
  readonly text: string;
}

/** What the person who watches should know or do. */
export function warningsOf(look: RunLook): Warning[] {
  const { run, silent, paused, end, at, counted: since } = look;
  const warnings: Warning[] = [];
  const warn = (about: Warning['about'], text: string) => warnings.push({ about, text });
  const forHowLong = ({ since: asked }: Silence) => duration(Math.round((at.getTime() - asked.getTime()) / 1000));
  const said = ({ why }: Silence) => (why === undefined ? '' : `: ${oneLine(why)}`);
  if (silent.redis) {
    const counts = `the counts are from ${clock(since, at, true)}`;
    warn('Redis', `Redis has not answered for ${forHowLong(silent.redis)}${said(silent.redis)}; ${counts}`);
  }
  if (silent.store?.why !== undefined) {
    warn('store', `the store has not answered for ${forHowLong(silent.store)}${said(silent.store)}`);
  } else if (silent.store) {
    warn('store', `listing the store has taken ${forHowLong(silent.store)} so far`);
  }
  if (paused.length > 0) warn('paused', `paused: ${paused.join(', ')} (to continue: spineline unpause)`);
  if (waitsForWorkers(look)) warn('workers', 'studies wait, but no worker takes them: are workers running?');
  if (end === 'cancelled') warn(end, `the run was cancelled; to continue it: spineline resume ${run.run}`);
  if (end === 'nothing queued') {
    warn(end, 'nothing is queued: Redis was emptied, or pages of the dataset are damaged in the store');
    warn(end, `to enqueue the missing studies again: spineline resume ${run.run}`);
  }
  return warnings;
}

function notice({ run }: RunLook, columns: number, palette: Palette): Line[] {
  return run.notice ? [blank(), ...paragraph(RANK.notice, run.notice, columns, palette.warn)] : [];
}

function paragraph(rank: number, text: string, columns: number, paint: Paint): Line[] {
  return wrap(text, columns).map((words) => line(rank, [words, paint]));
}

/** Puts spans on as few lines as possible. */
function flow(rank: number, spans: readonly Span[], columns: number): Line[] {
  const lines: Span[][] = [];
  let used = 0;
  for (const span of spans) {
    const wanted = columnsOf(span[0]);
    if (lines.length > 0 && used + GAP.length + wanted <= columns) {
      lines.at(-1)!.push([GAP], span);
      used += GAP.length + wanted;
    } else {
      lines.push([span]);
      used = wanted;
    }
  }
  return lines.map((beside) => line(rank, ...beside));
}

function painted(spans: readonly Span[], columns: number): string {
  let room = columns;
  let shown = '';
  for (const [text, paint = (plain: string) => plain] of spans) {
    const kept = cut(text, room);
    room -= columnsOf(kept);
    shown += kept && paint(kept);
    if (kept !== text) break;
  }
  return shown;
}

function bar(share: number, columns: number): string {
  const full = Math.floor(Math.max(0, columns) * Math.min(1, share));
  return '█'.repeat(full) + '░'.repeat(Math.max(0, columns) - full);
}

/** Rounded down, so that 100 % means all. */
function percent(done: number, all: number): string {
  return `${Math.floor((100 * done) / all)} %`;
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function perMinute(perSecond: number): string {
  const value = 60 * perSecond;
  const digits = value > 0 && value < 100 ? 1 : 0;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The local time of day; on another day than `today` with the day of the week or the date. */
function clock(time: Date, today: Date, withSeconds = false): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const text = `${two(time.getHours())}:${two(time.getMinutes())}${withSeconds ? `:${two(time.getSeconds())}` : ''}`;
  if (time.toDateString() === today.toDateString()) return text;
  const isNear = Math.abs(time.getTime() - today.getTime()) < 6 * 24 * 3600 * 1000;
  const day = isNear
    ? time.toLocaleDateString('en', { weekday: 'short' })
    : `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${text}`;
}
