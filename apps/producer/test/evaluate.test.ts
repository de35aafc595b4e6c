/** `spineline evaluate` as a user runs it, on a run that was written into a store by hand. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEMO_BUNDLES } from '@spineline/shared/control';
import { LEVELS, SEVERITIES, SEVERITY_LABELS, TARGETS } from '@spineline/shared/domain';
import type { Evaluation } from '@spineline/shared/evaluation';
import { pushBundle, readBundleFolder } from '@spineline/shared/models';
import { noticeFileOf, writeResultsFile, writeSubmissionFile } from '@spineline/shared/reports';
import { type RunRecord, RunStore, type StudyResult } from '@spineline/shared/runs';
import type { ZArtefact } from '@spineline/shared/stages';
import { keyOfMade, type ObjectStore, openStore, StageOutputs } from '@spineline/shared/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spineline, spinelineOk } from './support/in-process.ts';

const NOTICE = 'A notice of these models: NOT FOR CLINICAL USE.';
const RUN = 'by-hand';
const DIGEST = '0'.repeat(64);
/** Instance numbers 10, 9, ... 1 in spatial order. */
const INSTANCES = Array.from({ length: 10 }, (_, i) => 10 - i);
const inOrder = (place: number) => INSTANCES[place]!;

/** Every target labelled in the fifth slice; the ensemble says the sixth, `cls` the fifth, `reg` the eighth. */
const [LABELLED, ENSEMBLE, CLS, REG] = [4, 5, 4, 7.2];

describe('spineline evaluate', () => {
  let folder = '';
  let store: ObjectStore;
  const file = (name: string) => join(folder, name);
  const storeUrl = () => pathToFileURL(file('store')).href;
  const evaluate = async (what: string, ...more: string[]) => {
    const { stdout } = await spinelineOk(['evaluate', what, '--labels', file('train.csv'), ...more]);
    return stdout;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spineline-test-'));
    store = await openStore(storeUrl());
    const pin = (stage: number) =>
      readBundleFolder(join(DEMO_BUNDLES, `stage${stage}`)).then((one) => pushBundle(store, one));
    const run: RunRecord = {
      schema: 'spineline.run/1',
      run: RUN,
      dataset: DIGEST,
      studies: 2,
      bundles: { stage1: await pin(1), stage2: await pin(2), stage3: await pin(3) },
      priority: 5,
      created: new Date(0).toISOString(),
      notice: NOTICE,
    };
    const runs = new RunStore(store);
    await runs.recordRun(run);
    for (const study of ['1', '2']) await runs.writeResult(resultOf(study, await writeZ(store, study)));
    await writeSubmissionFile(runs, run, file('submission.csv'));
    await writeResultsFile(runs, run, file('results.json'));
    await writeFile(file('train.csv'), labels());
    await writeFile(file('train_label_coordinates.csv'), coordinates());
  });
  afterAll(async () => {
    await store?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('reads of a run in the store what each member of stage 1 answered', async () => {
    const found = JSON.parse(await evaluate(RUN, '--store', storeUrl(), '--json')) as Evaluation & {
      notice: string;
      studiesWithoutMembers: number;
    };
    expect([found.notice, found.studiesWithoutMembers]).toEqual([NOTICE, 0]);
    const { scs, nfn, ss } = found.location!;
    for (const { slices, members } of [scs, nfn]) {
      expect(slices).toMatchObject({ exact: 0, offBy1: slices.compared, otherSeries: 0 });
      expect(members.map(({ member }) => member)).toEqual(['cls', 'reg']);
      expect(members[0]).toMatchObject({ exact: slices.compared, compared: slices.compared });
      expect(members[1]).toMatchObject({ exact: 0, offBy3OrMore: slices.compared, meanSlices: 3 });
    }
    expect([scs.slices.compared, nfn.slices.compared]).toEqual([10, 20]);
    // Found in another axial series than labelled.
    expect(ss.slices).toMatchObject({ offBy3OrMore: 20, otherSeries: 20, compared: 20 });
    expect(ss.members).toEqual([]);
    // Always 0.5, 0.3, 0.2; labels in turn normal, moderate, severe.
    expect(found.calibration.spinal_canal_stenosis).toMatchObject({ rows: 10, plain: { confidence: 0.5 } });
    expect(found.ratio.score).toBeCloseTo(found.metric.score! / found.baseline.score!, 12);
  });

  it('prints the same for people, with the notice last', async () => {
    const printed = await evaluate(RUN, '--store', storeUrl(), '--details');
    expect(printed).toMatch(/^SCS \(sagittal T2\) +ensemble +10 +0\.0 +100\.0 +0\.0 +0\.0 +0\.0 +0 +0$/m);
    expect(printed).toMatch(/^ +cls +10 +100\.0 /m);
    expect(printed).toMatch(/^ +reg +20 +0\.0 +0\.0 +0\.0 +100\.0 +0\.0$/m);
    expect(printed).toMatch(/^SS \(axial T2\) +nearest plane +20 +0\.0 +0\.0 +0\.0 +100\.0 +100\.0 +0 +0$/m);
    expect(printed).toMatch(/^Spinal Canal Stenosis +Normal\/Mild +\d+ +0 +0$/m);
    expect(printed).toContain('ratio');
    expect(printed.trimEnd().endsWith(NOTICE)).toBe(true);
  });

  it('says that members are not known of a results.json, unless it is told the store', async () => {
    const alone = await evaluate(file('results.json'));
    expect(alone).toContain('the answers of the members are not known for 2 studies');
    expect(alone).not.toMatch(/^ +cls/m);
    const stored = await evaluate(file('results.json'), '--store', storeUrl());
    expect(stored).toMatch(/^ +cls +10 +100\.0 /m);
  });

  it('evaluates a submission, with the notice that lies beside it', async () => {
    const printed = await evaluate(file('submission.csv'));
    expect(printed).toContain(NOTICE);
    expect(printed).toContain('Calibration');
    expect(printed).not.toContain('Stage 1');
    await rm(noticeFileOf(file('submission.csv')));
    expect(await evaluate(file('submission.csv'))).toContain('NOT FOR CLINICAL USE');
  });

  it('refuses a results.json that was cut off, by name', async () => {
    await writeFile(file('half.json'), '{"notice":"","studies":[');
    const { code, stderr } = await spineline(['evaluate', file('half.json'), '--labels', file('train.csv')]);
    expect(code).toBe(2);
    expect(stderr).toContain('half.json is not JSON');
  });
});

/** Stage 1's output of a study. @returns its key. */
async function writeZ(store: ObjectStore, study: string): Promise<string> {
  const found = {
    index: ENSEMBLE,
    instance: inOrder(ENSEMBLE),
    confidence: 0.5,
    members: [
      { kind: 'cls' as const, z: CLS },
      { kind: 'reg' as const, z: REG },
    ],
    point: null,
  };
  const five = LEVELS.map(() => found);
  const z: ZArtefact = {
    schema: 'spineline.z/1',
    scs: { series: 't2', levels: five },
    nfn: { series: 't1', left: five, right: five },
    axial: LEVELS.map(() => null),
    flags: [],
  };
  const made = { contract: 1, inputs: study };
  const key = keyOfMade('stage1', made);
  await new StageOutputs(store).write('stage1', key, { 'z.json': Buffer.from(JSON.stringify(z)) }, made);
  return key;
}

function resultOf(study: string, stage1: string): StudyResult {
  const step = (key: string) => ({ key, reused: false, seconds: 1, finished: new Date(0).toISOString() });
  const place = (series: string) => ({ series, instance: inOrder(ENSEMBLE), x: 10, y: 10 });
  const size = { used: true, rows: 20, columns: 20, frameOfReference: 0, instances: INSTANCES };
  return {
    schema: 'spineline.result/1',
    run: RUN,
    study,
    notice: NOTICE,
    targets: TARGETS.map(({ name, condition, level, side, task }) => ({
      name,
      condition,
      level,
      ...(side && { side }),
      severities: [0.5, 0.3, 0.2],
      slice: task === 'ss' ? null : place(task === 'scs' ? 't2' : 't1'),
      axial: place('ax'),
      confidence: null,
      classShares: false,
    })),
    series: [
      { series: 't2', kind: 'sagittal_t2', ...size },
      { series: 't1', kind: 'sagittal_t1', ...size },
      { series: 'ax', kind: 'axial_t2', ...size },
      { series: 'ax2', kind: 'axial_t2', ...size },
    ],
    flags: [],
    steps: { stage1: step(stage1), xy: step(DIGEST), crops: step(DIGEST), stage3: step(DIGEST) },
    finished: new Date(0).toISOString(),
  };
}

function labels(): string {
  const grades = TARGETS.map((_, i) => SEVERITY_LABELS[SEVERITIES[i % 3]!]);
  const lines = [['study_id', ...TARGETS.map(({ name }) => name)], ...['1', '2'].map((study) => [study, ...grades])];
  return `${lines.map((line) => line.join(',')).join('\n')}\n`;
}

function coordinates(): string {
  const words = (text: string) => text.replaceAll('_', ' ').replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());
  const series = { scs: 't2', nfn: 't1', ss: 'ax2' };
  const lines = ['1', '2'].flatMap((study) =>
    TARGETS.map(({ condition, level, task }) =>
      [study, series[task], inOrder(LABELLED), words(condition), level.toUpperCase().replace('_', '/'), 10, 10].join(
        ',',
      ),
    ),
  );
  return `study_id,series_id,instance_number,condition,level,x,y\n${lines.join('\n')}\n`;
}
