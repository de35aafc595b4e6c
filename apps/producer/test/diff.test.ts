/** `spineline diff` as a user runs it, on two runs that were written into a store by hand. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEMO_BUNDLES } from '@spineline/shared/control';
import { CONDITIONS, SEVERITIES, type Severity, TARGETS, type Target } from '@spineline/shared/domain';
import type { Evaluation, MetricDifference } from '@spineline/shared/evaluation';
import { pushBundle, readBundleFolder } from '@spineline/shared/models';
import type { RunsDiff } from '@spineline/shared/reports';
import { RunStore } from '@spineline/shared/runs';
import { type ObjectStore, openStore } from '@spineline/shared/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spineline, spinelineOk } from './support/in-process.ts';
import { labelsCsv, mostly, type Said, syntheticResult, syntheticRun, writeRun } from './support/synthetic-run.ts';

const NOTICE_A = 'Notice of the models of A: NOT FOR CLINICAL USE.';
/** What a notice and a version must not do to a page. */
const NOTICE_B = 'Notice of <B> & "others": NOT FOR CLINICAL USE.';
const SPINAL = 'spinal_canal_stenosis_l4_l5';
const RECESS = 'left_subarticular_stenosis_l4_l5';

const STUDIES = Array.from({ length: 12 }, (_, i) => String(i + 1));
/** Labels take turns over studies and targets; one in nine is blank. */
const labelOf = (study: string, { name }: Target): Severity | undefined => {
  const turn = Number(study) * 5 + TARGETS.findIndex((target) => target.name === name);
  return turn % 9 === 0 ? undefined : SEVERITIES[turn % 7 < 4 ? 0 : turn % 3];
};
/** A is right less often than B, and surer the higher the study's number. */
const saidByA = (study: string) => (target: Target) => ({
  severities: mostly(labelOf(study, target) ?? 'moderate', 0.3 + Number(study) / 40),
});
const saidByB =
  (study: string) =>
  (target: Target): Said => ({
    severities: mostly(labelOf(study, target) ?? 'moderate', 0.36 + Number(study) / 40),
    ...(target.name === SPINAL && { slice: { series: 't2', instance: 8, x: 50, y: 50 } }),
    // 100 rows and 200 columns in 512: 3 px down are 15.36.
    ...(target.name === RECESS && { axial: { series: 'ax', instance: 5, x: 50, y: 53 } }),
  });

describe('spineline diff', () => {
  let folder = '';
  let store: ObjectStore;
  const file = (name: string) => join(folder, name);
  const inStore = () => ['--store', pathToFileURL(file('store')).href];
  const diff = async (...parameters: string[]) => (await spinelineOk(['diff', ...parameters, ...inStore()])).stdout;
  const diffJson = async (...parameters: string[]) =>
    JSON.parse(await diff(...parameters, '--json')) as RunsDiff & { metric: MetricDifference };
  const evaluated = async (run: string, labels: string) => {
    const { stdout } = await spinelineOk(['evaluate', run, '--labels', file(labels), '--json', ...inStore()]);
    return (JSON.parse(stdout) as Evaluation).metric;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spineline-test-'));
    store = await openStore(pathToFileURL(file('store')).href);
    const runs = new RunStore(store);
    const { stage2, stage3 } = syntheticRun('any', 1).bundles;
    // Evaluate reads the bundle of stage 1.
    const stage1 = await pushBundle(store, await readBundleFolder(join(DEMO_BUNDLES, 'stage1')));
    const a = syntheticRun('run-a', 12, { notice: NOTICE_A, bundles: { stage1, stage2, stage3 } });
    const b = syntheticRun('run-b', 12, {
      notice: NOTICE_B,
      bundles: { ...a.bundles, stage3: { ...stage3, version: '<2>', digest: 'f'.repeat(64) } },
    });
    await writeRun(
      runs,
      a,
      STUDIES.map((study) => syntheticResult(a, study, saidByA(study))),
    );
    await writeRun(
      runs,
      b,
      STUDIES.map((study) => syntheticResult(b, study, saidByB(study))),
    );
    // The same as B, without the first study and with one that A does not have.
    const part = syntheticRun('part-of-b', 13, { notice: NOTICE_B });
    const rest = [...STUDIES.slice(1), '13'];
    await writeRun(
      runs,
      part,
      rest.map((study) => syntheticResult(part, study, saidByB(study))),
    );
    const other = syntheticRun('other', 1);
    await writeRun(runs, other, [syntheticResult(other, '99')]);
    await writeFile(file('train.csv'), labelsCsv(STUDIES, labelOf));
    await writeFile(file('without-first.csv'), labelsCsv(STUDIES.slice(1), labelOf));
  });
  afterAll(async () => {
    await store?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('finds the metric of both runs that evaluate finds, and the difference of the two', async () => {
    const { metric } = await diffJson('run-a', 'run-b', '--labels', file('train.csv'));
    const [a, b] = [await evaluated('run-a', 'train.csv'), await evaluated('run-b', 'train.csv')];
    expect(metric.a).toEqual(a);
    expect(metric.b).toEqual(b);
    expect(metric.difference.score).toBe(b.score! - a.score!);
    expect(metric.difference.score).toBeLessThan(0);
    const [low, high] = metric.interval.score!;
    expect(low).toBeLessThan(metric.difference.score!);
    expect(high).toBeGreaterThan(metric.difference.score!);
    expect(high).toBeLessThan(0);
  });

  it('compares the studies that both runs scored, and says how many only one has', async () => {
    const found = await diffJson('run-a', 'part-of-b', '--labels', file('train.csv'));
    expect(found.studies).toEqual({ compared: 11, onlyA: 1, onlyB: 1 });
    expect([found.a.scored, found.b.scored, found.b.studies]).toEqual([12, 12, 13]);
    const restricted = await evaluated('run-a', 'without-first.csv');
    expect(found.metric.a.score).toBe(restricted.score);
    expect(found.metric.a.counts).toMatchObject({ studies: 11, studiesNotPredicted: 1 });
    expect(await diff('run-a', 'part-of-b')).toContain('11 studies compared; only in A 1, only in B 1');
  });

  it('counts 25 transitions a study, moved slices and moved points', async () => {
    const found = await diffJson('run-a', 'run-b', '--top', '5');
    expect(found.schema).toBe('spineline.diff/1');
    expect(found.metric).toBeUndefined();
    const counts = CONDITIONS.flatMap((condition) => found.grades.conditions[condition].transitions.flat());
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(25 * 12);
    expect(found.places.tasks.scs.slices).toMatchObject({ same: 48, movedBy3OrMore: 12 });
    expect(found.places.tasks.scs.points).toMatchObject({ compared: 48, otherSlice: 12 });
    expect(found.places.largestSliceMoves).toHaveLength(5);
    expect(found.places.largestSliceMoves[0]).toMatchObject({ study: '1', target: SPINAL, slices: 3 });
    expect(found.places.tasks.ss.points).toMatchObject({ compared: 120, unmoved: 108 });
    expect(found.places.largestPointMoves[0]!.in512).toBeCloseTo(15.36, 9);
    expect(found.grades.largest).toHaveLength(5);
  });

  it('says which bundles differ, and the notice of each run once', async () => {
    const found = await diffJson('run-a', 'run-b');
    expect([found.bundlesDiffer, found.datasetsDiffer]).toEqual([['stage3'], false]);
    expect(found.notices).toEqual([NOTICE_A, NOTICE_B]);
    expect((await diffJson('run-b', 'part-of-b')).notices).toEqual([NOTICE_B]);
    const printed = await diff('run-a', 'run-b');
    expect(printed).toMatch(/^stage1 .* same$/m);
    expect(printed).toMatch(/^stage3 .* differs$/m);
    expect(printed.trimEnd().endsWith(`${NOTICE_A}\n\n${NOTICE_B}`)).toBe(true);
  });

  it('prints for people what the interval says', async () => {
    const printed = await diff('run-a', 'run-b', '--labels', file('train.csv'));
    expect(printed).toMatch(/^mean of the four +\d\.\d{4} +\d\.\d{4} +-0\.\d{4} +-0\.\d{4} +-0\.\d{4} +12 studies$/m);
    expect(printed).toContain('the interval does not contain 0');
    expect(printed).toMatch(/^Spinal Canal Stenosis +Normal\/Mild +\d+ +\d+ +\d+$/m);
    expect(await diff('run-a', 'run-a', '--labels', file('train.csv'))).toContain('Both runs have the same score');
  });

  it('finds nothing between a run and itself', async () => {
    const { grades, places } = await diffJson('run-a', 'run-a');
    expect([grades.changedTargets, grades.moves[0], places.tasks.nfn.slices.same]).toEqual([0, 300, 120]);
    expect([places.largestSliceMoves, places.largestPointMoves]).toEqual([[], []]);
  });

  it('writes one page that needs nothing else, with the notices, escaped', async () => {
    await diff('run-a', 'run-b', '--labels', file('train.csv'), '--html', file('diff.html'));
    const page = await readFile(file('diff.html'), 'utf8');
    expect(unbalancedTags(page)).toEqual([]);
    expect(page).toContain(NOTICE_A);
    expect(page).toContain('Notice of &lt;B&gt; &amp; &quot;others&quot;: NOT FOR CLINICAL USE.');
    expect(page).not.toContain('Notice of <B>');
    expect(page).toContain('severities@&lt;2&gt;');
    expect(page).not.toMatch(/undefined|NaN|\[object/);
    // Nothing is fetched and nothing runs.
    expect(page).not.toMatch(/https?:|<script|<link|<img|<iframe|@import|url\(/i);
    expect(page.match(/<table class="transition">/g)).toHaveLength(5);
    expect(page.match(/<svg /g)).toHaveLength(2);
    // Without labels there is no score to show.
    await diff('run-a', 'run-b', '--html', file('unlabelled.html'));
    const unlabelled = await readFile(file('unlabelled.html'), 'utf8');
    expect(unbalancedTags(unlabelled)).toEqual([]);
    expect(unlabelled.match(/<svg /g)).toHaveLength(1);
  });

  it('says what to do about what it cannot compare', async () => {
    const refused = async (...parameters: string[]) => {
      const { code, stderr } = await spineline(['diff', ...parameters, ...inStore()]);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refused('run-a', 'nobody')).toContain('there is no run called nobody');
    expect(await refused('run-a', 'other')).toContain('no scored study in common');
    expect(await refused('run-a', 'run-b', '--html', file('nowhere/diff.html'))).toContain('an existing folder');
    expect(await refused('run-a', 'run-b', '--top', 'many')).toContain('a whole number');
    await writeFile(file('others.csv'), labelsCsv(['77'], labelOf));
    expect(await refused('run-a', 'run-b', '--labels', file('others.csv'))).toContain('have none in common');
  });
});

/** Elements that take no end tag. */
const VOID = new Set(['meta', 'line', 'path', 'rect', 'br']);

/** Reads HTML as a browser that forgives nothing: end tags that do not fit, and elements that are never closed. */
function unbalancedTags(page: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  const text = page.replace(/<style>[^<]*<\/style>/g, '');
  for (const [whole, end, name] of text.matchAll(
    /<(\/?)([a-z][a-z0-9]*)(?: [a-zA-Z][a-zA-Z0-9-]*="[^"<>]*")*\/?>|<(?!!doctype html>)/g,
  )) {
    if (name === undefined) wrong.push(`a < that begins no tag: ${whole}`);
    else if (end === '') open.push(...(VOID.has(name) ? [] : [name]));
    else if (open.pop() !== name) wrong.push(`</${name}>`);
  }
  return [...wrong, ...open];
}
