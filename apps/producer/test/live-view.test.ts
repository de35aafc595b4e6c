/** The screen of `status --watch`, of looks made by hand: what it says, and that it fits. */

import type { FailureRecord, RunRecord } from '@spineline/shared/runs';
import type { RunLook } from '@spineline/shared/watching';
import { describe, expect, it } from 'vitest';
import type { StageLook } from '../../../packages/shared/watching/watch-run.ts';
import { liveView } from '../src/terminal/live-view.ts';
import type { Palette } from '../src/terminal/style.ts';
import { columnsOf, wrap } from '../src/terminal/text.ts';
import { syntheticRun } from './support/synthetic-run.ts';

const NOTICE = 'Demo models: made for synthetic phantoms, not for real patients. NOT FOR CLINICAL USE.';
/** Local time: that is what a terminal shows. */
const AT = new Date(2026, 10, 25, 23, 50, 0);
const after = (seconds: number) => new Date(AT.getTime() + 1000 * seconds);

const plain = (text: string) => text;
const PLAIN: Palette = { strong: plain, faint: plain, good: plain, warn: plain, bad: plain };
const paint = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
const PAINTED: Palette = {
  strong: paint('strong'),
  faint: paint('faint'),
  good: paint('good'),
  warn: paint('warn'),
  bad: paint('bad'),
};

function stage(done: number, changes: Partial<StageLook> = {}): StageLook {
  const jobs = { waiting: 0, active: 0, delayed: 0, failed: 0 };
  return { done, reused: 0, perSecond: 0, secondsLeft: undefined, jobs, ...changes };
}

/** A run of 200 studies in the middle of it, 30 a minute. */
function lookAt(changes: Partial<RunLook> = {}, run: Partial<RunRecord> = {}): RunLook {
  return {
    at: AT,
    run: syntheticRun('tonight', 200, { notice: NOTICE, ...run }),
    progress: { stage1: 150, stage2: 120, stage3: 100, failed: 0, ...NONE_REUSED },
    stages: {
      stage1: stage(150, { perSecond: 1, secondsLeft: 50, jobs: { waiting: 47, active: 3, delayed: 2, failed: 1 } }),
      stage2: stage(120, { perSecond: 0.5, secondsLeft: 160, jobs: { waiting: 27, active: 3, delayed: 0, failed: 0 } }),
      stage3: stage(100, { perSecond: 0.5, secondsLeft: 200, jobs: { waiting: 17, active: 3, delayed: 0, failed: 0 } }),
    },
    pagesWaiting: 0,
    queued: 100,
    paused: [],
    scored: 100,
    failed: 0,
    left: 100,
    classShares: { targets: 0, studies: 0 },
    perSecond: 0.5,
    secondsLeft: 200,
    pulse: { seconds: 10, counts: [0, 1, 2, 3, 4, 5, 6, 7] },
    failures: [],
    counted: AT,
    listed: { at: after(-8), scored: 97, failed: 0, cancelled: false },
    silent: {},
    end: undefined,
    ...changes,
  };
}
const NONE_REUSED = {
  'stage1-reused': 0,
  'stage2-reused': 0,
  'stage3-reused': 0,
  'class-share-studies': 0,
  'class-share-targets': 0,
};

function failure(study: string, minutesAgo: number, message: string): FailureRecord {
  return {
    schema: 'spineline.failure/1',
    run: 'tonight',
    study,
    stage: 'stage1',
    code: 'STUDY_UNREADABLE',
    kind: 'permanent',
    message,
    attempts: 1,
    failed: after(-60 * minutesAgo).toISOString(),
  };
}

const FAILING = lookAt({
  failed: 7,
  left: 93,
  failures: [
    failure('1002', 1, 'study 1002: not one slice of the study could be read and placed; expected at least one'),
    failure('検査-7', 2, 'first line\nsecond line \x1b[31mred'),
    failure('a-study-with-a-name-that-is-much-too-long-to-be-shown', 3, 'short'),
  ],
});
const MILLION = lookAt(
  {
    stages: {
      stage1: stage(999_999, { reused: 120_000, perSecond: 120.4, secondsLeft: 1 }),
      stage2: stage(900_000, { perSecond: 120.4, secondsLeft: 90_000 }),
      stage3: stage(812_345, { perSecond: 120.4, secondsLeft: 190_000 }),
    },
    pagesWaiting: 4999,
    scored: 812_345,
    failed: 1234,
    left: 186_421,
    perSecond: 120.4,
    secondsLeft: 1548,
    pulse: { seconds: 10, counts: Array.from({ length: 60 }, (_, i) => 1000 + i) },
    listed: { at: after(-90), scored: 803_021, failed: 1229, cancelled: false },
  },
  { studies: 1_000_000 },
);
const SILENT = lookAt({ silent: { redis: { since: after(-12), why: undefined } }, counted: after(-13) });
const BLIND = lookAt({ classShares: { targets: 1230, studies: 87 } });
const LOOKS: Readonly<Record<string, RunLook>> = {
  'in the middle': lookAt(),
  failing: FAILING,
  'of 1,000,000 studies': MILLION,
  'of 1 study': oneStudy(),
  over: lookAt({ end: 'over', scored: 198, failed: 2, left: 0, secondsLeft: 0 }),
  cancelled: lookAt({ end: 'cancelled' }),
  'with nothing queued': lookAt({ end: 'nothing queued', queued: 0 }),
  paused: lookAt({ paused: ['stage1', 'stage2', 'stage3'] }),
  'without an answer': SILENT,
  'with class shares': BLIND,
};

function oneStudy(): RunLook {
  const jobs = { waiting: 1, active: 0, delayed: 0, failed: 0 };
  const stages = { stage1: stage(0, { jobs }), stage2: stage(0), stage3: stage(0) };
  return lookAt(
    {
      stages,
      scored: 0,
      left: 1,
      perSecond: 0,
      secondsLeft: undefined,
      pulse: { seconds: 10, counts: [] },
      listed: undefined,
    },
    { studies: 1 },
  );
}

const view = (look: RunLook, columns = 120, rows = 50) => liveView(look, { columns, rows }, PLAIN);
const textOf = (look: RunLook, columns?: number, rows?: number) => view(look, columns, rows).join('\n');

describe('the live view', () => {
  it('shows a run in the middle of it', () => {
    expect(textOf(lookAt(), 100).split('\n')).toEqual([
      'tonight  under way  23:50:00',
      `${'█'.repeat(30)}${'░'.repeat(30)}  50 %`,
      '100 scored  0 failed  100 of 200 studies left',
      '30.0 studies/min  3 min 20 s left  expected finish 23:53',
      '',
      'stage                               done   of  waiting  active  delayed  failed  per min        left',
      '1 slices      ███████████████░░░░░   150  200       47       3        2       1     60.0        50 s',
      '2 points      ████████████░░░░░░░░   120  200       27       3        0       0     30.0  2 min 40 s',
      '3 severities  ██████████░░░░░░░░░░   100  200       17       3        0       0     30.0  3 min 20 s',
      'waiting, active, delayed, failed: jobs of all runs',
      'counts from Redis, off by up to about 1 %; in the store at 23:49:52: 97 scored, 0 failed',
      '',
      // 7 in the best 10 seconds.
      'throughput ▁▂▃▄▅▆▇█  one bar per 10 s, last 1 min 20 s, █ 42.0/min',
      '',
      NOTICE,
    ]);
  });

  it('leaves out columns, and then lines, for which there is no room', () => {
    expect(textOf(lookAt(), 44, 13).split('\n')).toEqual([
      'tonight  under way  23:50:00',
      `${'█'.repeat(19)}${'░'.repeat(19)}  50 %`,
      '100 scored  0 failed',
      '100 of 200 studies left',
      '30.0 studies/min  3 min 20 s left',
      'expected finish 23:53',
      'stage                       done        left',
      '1 slices      █████████░░░   150        50 s',
      '2 points      ███████░░░░░   120  2 min 40 s',
      '3 severities  ██████░░░░░░   100  3 min 20 s',
      'throughput ▁▂▃▄▅▆▇█',
      'Demo models: made for synthetic phantoms,',
      'not for real patients. NOT FOR CLINICAL USE.',
    ]);
  });

  it('shows a million studies in 80 columns', () => {
    expect(view(MILLION, 80).slice(0, 15)).toEqual([
      'tonight  under way  23:50:00',
      `${'█'.repeat(48)}${'░'.repeat(12)}  81 %`,
      '812,345 scored  1,234 failed  186,421 of 1,000,000 studies left',
      '7,224 studies/min  25 min 48 s left  expected finish Thu 00:15',
      '',
      'stage                     done         of  waiting  active  per min         left',
      '1 slices      ██████░  999,999  1,000,000        0       0    7,224          1 s',
      '2 points      ██████░  900,000  1,000,000        0       0    7,224   25 h 0 min',
      '3 severities  █████░░  812,345  1,000,000        0       0    7,224  52 h 46 min',
      'waiting, active: jobs of all runs',
      '4,999 pages of all runs not unfolded yet; counts from Redis, off by up to about',
      '1 %; in the store at 23:48:30: 803,021 scored, 1,229 failed',
      '',
      `throughput ${'█'.repeat(60)}`, // values between 1000 and 1059
      'one bar per 10 s, last 10 min, █ 6,354/min',
    ]);
  });

  it('lists the last failures, each on a line, and nothing in it that a terminal would obey', () => {
    expect(view(FAILING, 100).slice(14, 18)).toEqual([
      'last failures',
      '23:49:00  stage1  1002                      STUDY_UNREADABLE  study 1002: not one slice of the stud…',
      '23:48:00  stage1  検査-7                    STUDY_UNREADABLE  first line second line [31mred',
      '23:47:00  stage1  a-study-with-a-name-tha…  STUDY_UNREADABLE  short',
    ]);
  });

  it('says how much is class shares, also where there is little room, and nothing where there is none', () => {
    const said = 'class shares, since no view exists: 1,230 of 2,500 targets, in 87 of 100 scored studies';
    expect(view(BLIND, 100)[3]).toBe(said);
    expect(view(BLIND, 50, 10).join(' ')).toContain(said);
    expect(liveView(BLIND, { columns: 100, rows: 30 }, PAINTED)[3]).toBe(`<warn>${said}</warn>`);
    for (const look of Object.values(LOOKS)) if (look !== BLIND) expect(textOf(look)).not.toContain('class shares');
  });

  it('shows where a reprocess enters', () => {
    const reprocess = lookAt({}, { from: { run: 'last', stage: 'stage3' } });
    const [none, one] = [stage(0), stage(1, { reused: 1 })];
    const lines = view({ ...reprocess, stages: { stage1: none, stage2: one, stage3: reprocess.stages.stage3 } }, 100);
    expect(lines.slice(5, 9)).toEqual([
      'stage                       done   of  reused  waiting  active  delayed  failed  per min        left',
      '1 slices                       0    –       0        0       0        0       0        0           –',
      '2 points                       1    –       1        0       0        0       0        0           –',
      '3 severities  ██████░░░░░░   100  200       0       17       3        0       0     30.0  3 min 20 s',
    ]);
    expect(lines[10]).toContain('studies enter at stage 3');
  });

  it.each([
    [{}, 400, 'deadline 23:56, 3 min 20 s to spare'],
    [{}, 24 * 3600, 'deadline Thu 23:50, 23 h 56 min to spare'],
    [{}, 10 * 24 * 3600, 'deadline 2026-12-05 23:50, 239 h 56 min to spare'],
    [{}, 80, 'deadline 23:51, late by 2 min 0 s'],
    [{ perSecond: 0, secondsLeft: undefined }, 1000, 'time left not known yet  deadline Thu 00:06, in 16 min 40 s'],
    [{}, -60, 'deadline 23:49, passed'],
    [{ end: 'over' as const, left: 0 }, 400, '\ndeadline 23:56\n'],
  ])('compares with the deadline: %o, %d seconds ahead', (changes, seconds, text) => {
    expect(textOf(lookAt(changes, { deadline: after(seconds).toISOString() }))).toContain(text);
  });

  it('says nothing of a deadline where there is none', () => {
    for (const look of Object.values(LOOKS)) expect(textOf(look)).not.toContain('deadline');
  });

  it('says that a run is over, by the store, and no time left', () => {
    const text = textOf(LOOKS.over!);
    expect(text).toContain('tonight  finished  23:50:00');
    expect(text).toContain('100 %');
    expect(text).toContain('198 scored  2 failed  0 of 200 studies left');
    expect(text).not.toMatch(/min left|expected finish|counts from Redis/);
  });

  it('never says 100 % before all is done', () => {
    const look = lookAt({ scored: 999_999, left: 1 }, { studies: 1_000_000 });
    expect(textOf(look)).toContain('░  99 %');
  });

  it('says what can be done about a run that stands still', () => {
    expect(textOf(LOOKS.cancelled!)).toMatch(/^tonight {2}cancelled .*to continue it: spineline resume tonight/s);
    const lost = textOf(LOOKS['with nothing queued']!);
    expect(lost).toContain('tonight  nothing queued');
    expect(lost).toContain('nothing is queued: Redis was emptied, or pages of the dataset are damaged in the store');
    expect(lost).toContain('to enqueue the missing studies again: spineline resume tonight');
    const paused = textOf(LOOKS.paused!);
    expect(paused).toContain('tonight  paused');
    expect(paused).toContain('paused: stage1, stage2, stage3 (to continue: spineline unpause)');
    const partly = textOf(lookAt({ paused: ['stage2'] }));
    expect(partly).toContain('tonight  under way');
    expect(partly).toContain('paused: stage2 (to continue: spineline unpause)');
  });

  it('says that no worker is there, or not yet', () => {
    expect(textOf(oneStudy())).toContain('tonight  waiting for workers');
    expect(textOf(oneStudy())).toContain('1 of 1 study left');
    expect(textOf(oneStudy())).toContain('studies wait, but no worker takes them: are workers running?');
    for (const look of [lookAt(), LOOKS.paused!, LOOKS.over!]) expect(textOf(look)).not.toContain('no worker');
  });

  it('says that Redis or the store does not answer, since when, and why where that is known', () => {
    expect(textOf(SILENT)).toContain('tonight  Redis does not answer');
    expect(textOf(SILENT)).toContain('Redis has not answered for 12 s; the counts are from 23:49:47');
    const refused = lookAt({
      silent: {
        redis: { since: after(-90), why: 'LOADING Redis is loading' },
        store: { since: after(-20), why: 'the store did not answer' },
      },
    });
    expect(textOf(refused)).toContain('Redis has not answered for 1 min 30 s: LOADING Redis is loading; the counts');
    expect(textOf(refused)).toContain('the store has not answered for 20 s: the store did not answer');
    const slow = lookAt({ silent: { store: { since: after(-20), why: undefined } } });
    expect(textOf(slow)).toContain('tonight  under way');
    expect(textOf(slow)).toContain('listing the store has taken 20 s so far');
  });

  it('keeps warnings where there is little room', () => {
    expect(textOf(SILENT, 60, 5)).toContain('Redis has not answered for 12 s');
  });
  describe.each(Object.entries(LOOKS))('of a run %s', (_, look) => {
    it.each([200, 120, 100, 80, 60, 40, 24, 10, 3, 1])('has no line wider than %d columns', (columns) => {
      const lines = view(look, columns);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(columnsOf(line), line).toBeLessThanOrEqual(columns);
    });

    it.each([60, 24, 16, 10, 6, 3, 1, 0])('has no more than %d lines', (rows) => {
      for (const columns of [100, 40]) expect(view(look, columns, rows).length).toBeLessThanOrEqual(rows);
    });

    it('says what the models are for, whatever else there is no room for', () => {
      for (const [columns, rows] of [
        [120, 30],
        [80, 20],
        [40, 10],
        [24, 6],
      ] as const) {
        const text = view(look, columns, rows).join(' ');
        expect(text).toContain(wrap(NOTICE, columns).join(' '));
        expect(text).toContain('NOT FOR CLINICAL USE');
      }
    });

    it('is the same text with colours', () => {
      const painted = liveView(look, { columns: 70, rows: 30 }, PAINTED).join('\n');
      expect(painted.replaceAll(/<\/?(strong|faint|good|warn|bad)>/g, '')).toBe(textOf(look, 70, 30));
    });
  });
});
