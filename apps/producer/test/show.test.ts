/** `spineline show`: where a result comes from, in words, artefacts and pictures, and what is said when parts are gone. */

import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LEVELS, SIDES, STEPS, type Step } from '@spineline/shared/domain';
import { readLineage } from '@spineline/shared/lineage';
import { GRADE_COLOURS, GREY, WHITE, makePicture, parsePicture } from '@spineline/shared/reports';
import { openSources } from '@spineline/shared/sources';
import { CropsArtefact, sideRow } from '@spineline/shared/stages';
import {
  datasetKey,
  datasetPageKey,
  type ObjectStore,
  openStore,
  StageOutputs,
  stageOutputKey,
} from '@spineline/shared/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stageOutputFolder } from '../../../packages/shared/store/layout.ts';
import { pixelsOf, textsOf } from '../../../packages/shared/test/support/picture-pixels.ts';
import { PATIENT_ID, PATIENT_NAME } from '../../../packages/shared/test/support/small-study.ts';
import { storedWindow } from '../../../packages/shared/test/support/stored-windows.ts';
import { spineline } from './support/in-process.ts';
import { pointOf, RUN, recessOf, SMALL_NOTICE, type SmallRun, writeSmallRun } from './support/small-run.ts';

/** Where a content begins below a heading of two lines. */
const [LEFT, TOP] = [8, 60];
/** Px of the picture for one px of the 32 x 24 slices. */
const SCALE = 24;

let folder = '';
let storeUrl = '';
let store: ObjectStore;
let small: SmallRun;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spineline-test-'));
  storeUrl = pathToFileURL(join(folder, 'store')).href;
  store = await openStore(storeUrl);
  small = await writeSmallRun(store, join(folder, 'images'));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const show = (...parameters: string[]) => spineline(['show', RUN, ...parameters, '--store', storeUrl]);
const keyOf = (step: Step, name: string) => stageOutputKey(STEPS[step].output, small.result.steps[step].key, name);
const fileOf = (key: string) => join(fileURLToPath(storeUrl), key);

async function picture(what: string): Promise<Buffer> {
  const sources = openSources();
  try {
    return await makePicture(parsePicture(what), small.result, { outputs: new StageOutputs(store), sources });
  } finally {
    await sources.close();
  }
}

describe('the lineage of a result', () => {
  it('is printed: run, bundles, steps, objects, input, flags, severities, and the notice last', async () => {
    const { code, stdout } = await show('1001');
    expect(code).toBe(0);
    const { steps } = small.result;
    for (const said of [
      /^study 1001 {2}scored 2026-11-25 20:03:00 UTC$/m,
      /^run tonight, created 2026-11-25 20:00:00 UTC, priority 3$/m,
      /^ +2 {2}small-stage2@1\.0\.0 +(a2){32}$/m,
      /^1 slices {2}hit: found in the store, 1\.50 s, finished 2026-11-25 20:02:00 UTC$/m,
      /^2 crops {2}computed, 1\.50 s/m,
      new RegExp(`^ {2}stages/stage2-crops {2}key ${steps.crops.key}$`, 'm'),
      /^ {2}made 20.* UTC by small-worker:1, spineline \d+\.\d+\.\d+, contract 3$/m,
      /^ {2}with small-stage1@1\.0\.0 (a1){6}$/m,
      /^ {2}with no model; crop windows and sizes of the stage-3 bundle, settings [0-9a-f]{12}$/m,
      /^ {2}crops\.u12 +\d+\.\d kB {2}[0-9a-f]{64}$/m,
      /^t2 +Sagittal T2\/STIR +5 +yes +[0-9a-f]{12}$/m,
      /^15 files, digest of all fingerprints [0-9a-f]{64}; --json lists them$/m,
      /^ {2}no_axial_in_frame {2}axial_t2$/m,
      /^left_neural_foraminal_narrowing_l1_l2 +Normal\/Mild +0\.800 +0\.100 +0\.100 +t1\/8 +10\.0, 4\.0 +ax\/1 +16\.0, 12\.0$/m,
      /^right_subarticular_stenosis_l2_l3 .* - +- +- +-$/m,
    ]) {
      expect(stdout).toMatch(said);
    }
    expect(stdout.match(/^(left|right|spinal)_\w+ /gm)).toHaveLength(25);
    expect(stdout.trimEnd().endsWith(SMALL_NOTICE)).toBe(true);
    expect(stdout).not.toMatch(/DAMAGED|any more/);
  });

  it('is the same as JSON, with every file and fingerprint, and no patient', async () => {
    const { code, stdout } = await show('1001', '--json');
    expect(code).toBe(0);
    const lineage = JSON.parse(stdout);
    expect(lineage).toMatchObject({
      schema: 'spineline.lineage/1',
      run: small.run,
      state: 'scored',
      result: small.result,
      failure: null,
      steps: {
        xy: { stage: 'stage2-xy', state: 'whole', problem: null, provenance: { made: { contract: 3 } } },
        crops: { objects: expect.arrayContaining([expect.objectContaining({ name: 'crops.json', state: 'whole' })]) },
      },
      input: { study: { study: '1001' }, digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const [t2] = lineage.input.study.series;
    expect(t2.instances[4]).toEqual({ location: pathToFileURL(small.files.t2![4]!).href, fingerprint: 't2-4' });
    expect(stdout).not.toContain(PATIENT_NAME);
    expect(stdout).not.toContain(PATIENT_ID);
  });

  it('says which run it was reprocessed from', async () => {
    await rm(fileURLToPath(storeUrl), { recursive: true });
    small = await writeSmallRun(store, join(folder, 'again'), { from: { run: 'yesterday', stage: 'stage3' } });
    expect((await show('1001')).stdout).toMatch(/outputs of run yesterday: .*stage3/);
  });

  it('of a failed study is its failure, and of one that waits, that it does', async () => {
    const failed = await show('1002');
    expect(failed.code).toBe(3);
    expect(failed.stdout).toMatch(/^study 1002 {2}failed 2026-11-25 20:01:00 UTC$/m);
    expect(failed.stdout).toMatch(
      /^STUDY_UNREADABLE {2}stage1, permanent, attempts: 1\n {2}study 1002: not one slice/m,
    );
    // Nobody said of what kind its series is.
    expect(failed.stdout).toMatch(/^t2 +by its headers +1 /m);
    const pending = await show('1003');
    expect(pending.code).toBe(4);
    expect(pending.stdout).toContain('spineline status tonight');
  });

  it('of a study with too few views says what it was read as and what was not read, a part a line', async () => {
    const failure = await small.runs.readFailure(RUN, '1002');
    await small.runs.writeFailure({
      ...failure!,
      code: 'STUDY_TOO_FEW_VIEWS',
      message: 'study 1002: 15 of 25 targets have no view; found series t2; missing: no T1; what to do',
      views: {
        targets: 25,
        withoutView: [],
        allowed: 0.5,
        series: [{ series: 't2', kind: 'sagittal_t2', used: true, slices: 1 }],
        rejected: [{ series: 'loc', images: 3, rejection: 'localizer', reason: 'ImageType says localizer' }],
        flags: [],
      },
    });
    const { stdout } = await show('1002');
    expect(stdout).toMatch(
      /attempts: 1\n {2}study 1002: 15 of 25 targets have no view\n {2}found: series t2\n {2}missing: no T1\n {2}what to do\n/,
    );
    expect(stdout).toMatch(/^t2 +by its headers +1 +yes /m);
    expect(stdout).toMatch(/^Not read\n {2}loc {2}3 images: ImageType says localizer$/m);
    const failed = await spineline(['failed', RUN, '--store', storeUrl]);
    expect(failed.stdout).toMatch(/^ {2}found: series t2\n {2}missing: no T1$/m);
  });

  it('of a study that the run does not have is an error that helps', async () => {
    await expect(readLineage(small.runs, RUN, '9')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /run tonight has no study 9; expected one of its 3 studies, such as 1001, 1002, 1003;.*spineline failed tonight the failed ones/,
      ),
    });
    expect((await show('9')).stderr).toContain(`spineline failed tonight --store ${storeUrl} the failed ones`);
    await expect(readLineage(small.runs, 'none', '1001')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('says plainly what is damaged and what was swept, and shows the rest', async () => {
    await truncate(fileOf(keyOf('crops', 'crops.u12')), 100);
    await store.delete(keyOf('crops', 'crops.json'));
    await rm(fileOf(stageOutputFolder('stage2-xy', small.result.steps.xy.key)), { recursive: true });
    await writeFile(fileOf(keyOf('stage3', 'provenance.json')), '{"schema":"spineline.provenance/0"}');
    const { code, stdout } = await show('1001');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^2 points .*not in the store any more$/m);
    expect(stdout).toMatch(/^2 crops .*not in the store any more$/m);
    expect(stdout).toMatch(/crops\.u12 .*DAMAGED in the store$/m);
    expect(stdout).toMatch(/crops\.json .*not in the store any more$/m);
    expect(stdout).toMatch(/z\.json +[\d.]+ kB {2}[0-9a-f]{64}$/m);
    expect(stdout).toMatch(
      /^3 severities .*DAMAGED in the store\n.*\n.*provenance\.json is damaged.*what made it is unknown/m,
    );
    expect(stdout.match(/^(left|right|spinal)_\w+ /gm)).toHaveLength(25);
    const { steps } = await readLineage(small.runs, RUN, '1001');
    expect(Object.values(steps!).map(({ state }) => state)).toEqual(['whole', 'gone', 'gone', 'damaged']);
  });

  it('does without the dataset’s pages', async () => {
    const { pages } = await small.runs.readDataset(small.run.dataset);
    await store.put(datasetPageKey(pages[0]!), 'damaged');
    expect((await readLineage(small.runs, RUN, '1001')).input).toEqual({
      missing: expect.stringMatching(/^1 of 2 pages of the dataset/),
    });
    await store.delete(datasetKey(small.run.dataset));
    const { result, input } = await readLineage(small.runs, RUN, '1001');
    expect(result).toEqual(small.result);
    expect(input).toEqual({ missing: expect.stringContaining('not in the store any more') });
  });
});

describe('an artefact', () => {
  it('is printed as it is stored', async () => {
    const { code, stdout } = await show('1001', '--artefact', 'xy.json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(await readFile(fileOf(keyOf('xy', 'xy.json')), 'utf8')));
    const provenance = JSON.parse((await show('1001', '--artefact', 'provenance:crops')).stdout);
    expect(provenance).toMatchObject({ stage: 'stage2-crops', key: small.result.steps.crops.key });
  });

  it('that is gone, damaged or unknown is refused in words', async () => {
    await store.delete(keyOf('stage1', 'provenance.json'));
    const gone = await show('1001', '--artefact', 'z.json');
    expect(gone).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/OUTPUT_GONE.*z\.json is not in the store any more/),
    });
    await truncate(fileOf(keyOf('stage3', 'severity.json')), 5);
    expect((await show('1001', '--artefact', 'severity.json')).stderr).toMatch(/OUTPUT_GONE.*damaged/);
    expect((await show('1001', '--artefact', 'nothing.json')).stderr).toContain('provenance:stage1');
    const { stderr } = await show('1002', '--artefact', 'z.json');
    expect(stderr).toMatch(/STUDY_NOT_SCORED.*STUDY_UNREADABLE/);
    expect(stderr).toContain(`for details: spineline show tonight 1002 --store ${storeUrl}`);
  });
});

describe('a picture', () => {
  it('is written where it is asked for, with the notice in it, beside it and on the terminal', async () => {
    const file = join(folder, 'crops.png');
    const { code, stderr } = await show('1001', '--picture', 'crops', '--out', file);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(SMALL_NOTICE) });
    const png = await readFile(file);
    expect(textsOf(png).Disclaimer!.text).toBe(SMALL_NOTICE);
    const drawn = pixelsOf(png);
    expect(drawn.says('Study 1001', WHITE)).toBe(true);
    expect(drawn.says(SMALL_NOTICE, WHITE)).toBe(true);
    expect(png.includes(PATIENT_NAME)).toBe(false);
  });

  it('of crops shows the middle slice of each as it is stored, without any DICOM file', async () => {
    await rm(join(folder, 'images'), { recursive: true });
    const drawn = pixelsOf(await picture('crops'));
    // Six views of 16 x 8 px in squares of 32 px.
    const label = 72;
    expect(drawn.width).toBe(2 * LEFT + label + 6 * 512 + 5 * 8);
    const level = 3;
    const top = TOP + 48 + level * (256 + 22 + 8);
    for (const [column, array, row] of [
      [0, 'sagittal_t2', level],
      [1, 'axial_middle', level],
      [2, 'sagittal_t1', sideRow('right', level)],
      [5, 'axial_sides', sideRow('left', level)],
    ] as const) {
      const crops = CropsArtefact.parse(JSON.parse(await readFile(fileOf(keyOf('crops', 'crops.json')), 'utf8')));
      const bytes = await readFile(fileOf(keyOf('crops', 'crops.u12')));
      // The windows are 16 x 8 px too, so that nothing is resized.
      const { data, height, width } = storedWindow(crops, bytes, array, row);
      const [x, y] = [11, 5];
      const value = data[(height + y) * width + x]!;
      const grey = Math.round(255 * value);
      const at = drawn.at(LEFT + label + column * 520 + x * 32 + 16, top + y * 32 + 16);
      expect(at, array).toEqual([grey, grey, grey]);
    }
    // L2/L3 has no axial slice.
    expect(drawn.at(LEFT + label + 520 + 4, TOP + 48 + 286 + 4)).toEqual([0, 0, 0]);
  });

  it('of crops says what the store has lost', async () => {
    const gone = (text: string) => ({ code: 'OUTPUT_GONE', summary: expect.stringContaining(text) });
    await truncate(fileOf(keyOf('crops', 'crops.u12')), 100);
    await expect(picture('crops')).rejects.toMatchObject(gone('crops.u12 is damaged or gone'));
    await store.delete(keyOf('crops', 'crops.json'));
    await expect(picture('crops')).rejects.toMatchObject(gone('crops.json is damaged or gone'));
    await store.delete(keyOf('crops', 'provenance.json'));
    await expect(picture('crops')).rejects.toMatchObject(gone('crops.json is not in the store any more'));
  });

  it('of crops of another version says that they must be cut again', async () => {
    const { key } = small.result.steps.crops;
    const provenance = JSON.parse(await readFile(fileOf(keyOf('crops', 'provenance.json')), 'utf8'));
    provenance.made.contract = 2;
    await store.put(keyOf('crops', 'provenance.json'), JSON.stringify(provenance));
    expect(key).toBe(provenance.key);
    for (const what of ['crops', 'crop:left_neural_foraminal_narrowing_l4_l5']) {
      await expect(picture(what)).rejects.toMatchObject({
        code: 'PICTURE_IMPOSSIBLE',
        context: { found: 'contract 2', hint: 'a new run over the dataset cuts them again' },
      });
    }
  });

  it('of one target shows its views, slice by slice', async () => {
    const drawn = pixelsOf(await picture('crop:left_neural_foraminal_narrowing_l4_l5'));
    expect(drawn.width).toBe(2 * LEFT + 3 * 520 - 8);
    expect(drawn.says('Sagittal T1', WHITE)).toBe(true);
    expect(drawn.says('Axial T2', WHITE)).toBe(true);
    expect(drawn.says('the slice', WHITE, LEFT + 520)).toBe(true);
  });

  it('of a sagittal slice has a ring at the point of each level, grey for one that lies in another slice', async () => {
    const drawn = pixelsOf(await picture('sagittal_t2'));
    expect(drawn.height).toBeGreaterThan(TOP + 32 * SCALE);
    expect(drawn.says('Sagittal T2/STIR: instance 8, slice 3 of 5', GREY)).toBe(true);
    // Spinal canal stenosis is the last condition: targets 20 to 24 are severe, normal, moderate, severe, normal.
    const colours = ['severe', 'normal_mild', 'moderate', 'severe'] as const;
    const ringed = (level: number, colour: readonly number[]) => {
      const { x, y } = pointOf(level);
      return drawn.at(LEFT + x * SCALE + 9, TOP + y * SCALE).join() === colour.join();
    };
    colours.forEach((severity, level) => {
      expect(ringed(level, GRADE_COLOURS[severity]), LEVELS[level]).toBe(true);
    });
    expect(ringed(4, GREY)).toBe(true);
    expect(drawn.says('L5/S1     normal    0.80 0.10 0.10  in instance 7, not this one', GREY)).toBe(true);
    expect(drawn.says('L3/L4     moderate  0.10 0.80 0.10', GRADE_COLOURS.moderate)).toBe(true);
  });

  it('of the foramina is drawn for either side, and of an axial slice with both recesses', async () => {
    for (const side of SIDES) {
      expect(
        pixelsOf(await picture(`sagittal_t1_${side}`)).says(`Sagittal T1 ${side}: instance 8, slice 3 of 5`, GREY),
      ).toBe(true);
    }
    const drawn = pixelsOf(await picture('axial_t2:l3_l4'));
    expect(drawn.says('Axial T2 at L3/L4: instance 3, slice 3 of 5', GREY)).toBe(true);
    for (const [i, side] of SIDES.entries()) {
      const { x, y } = recessOf(side);
      // Targets 7 and 17: of the left side moderate, of the right severe.
      const colour = GRADE_COLOURS[i === 0 ? 'moderate' : 'severe'];
      expect(drawn.at(LEFT + x * SCALE + 9, TOP + y * SCALE), side).toEqual([...colour]);
    }
    await expect(picture('axial_t2:l2_l3')).rejects.toMatchObject({ code: 'PICTURE_IMPOSSIBLE' });
  });

  it('of a slice names the file that is gone or was changed, and says that crops can still be shown', async () => {
    const file = small.files.t2!.find((_, i) => i === 2)!;
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    const location = pathToFileURL(file).href;
    await expect(picture('sagittal_t2')).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      context: { file: location, hint: expect.stringContaining('--picture crops') },
    });
    await rm(file);
    await expect(picture('sagittal_t2')).rejects.toMatchObject({
      code: 'SOURCE_GONE',
      context: { file: location, found: 'no file there', hint: expect.stringContaining('--picture crops') },
    });
  });

  it('that is none, or has no file to go to, is refused in words', async () => {
    for (const wrong of ['crop', 'crop:l1_l2', 'axial_t2', 'axial_t2:l9', 'sagittal_t1', 'toString']) {
      expect(() => parsePicture(wrong), wrong).toThrow(/is not a picture.*axial_t2:<level>/);
    }
    expect(await show('1001', '--picture', 'crops')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--out'),
    });
  });
});
