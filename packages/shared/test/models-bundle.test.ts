/** Bundle manifests: which are refused, and what their digest covers. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BundleError, type StageNumber } from '../domain/index.ts';
import { inputsOf, outputOf, parseBundle } from '../models/bundle.ts';
import { type Bundle, bundleDigest, bundleOfStage, membersOf } from '../models/index.ts';
import { ROOT } from './imaging-reference.ts';

const TEXT = ([1, 2, 3] as const).map((stage) =>
  readFileSync(`${ROOT}/models/demo/stage${stage}/bundle.json`, 'utf8'),
) as [string, string, string];
const demo = (stage: StageNumber): Bundle => parseBundle(TEXT[stage - 1]!, 'demo');

/** The manifest of a stage after `change` was made to its plain JSON. */
function changed(stage: StageNumber, change: (manifest: Plain) => unknown): string {
  const manifest = JSON.parse(TEXT[stage - 1]!) as Plain;
  change(manifest);
  return JSON.stringify(manifest);
}
// oxlint-disable-next-line typescript/no-explicit-any -- a manifest that is about to be made wrong has no type
type Plain = any;

function refusal(text: string): BundleError {
  try {
    parseBundle(text, 'models/x/bundle.json');
  } catch (error) {
    expect(error).toBeInstanceOf(BundleError);
    expect(error).toMatchObject({ code: 'BUNDLE_INVALID', kind: 'permanent' });
    expect((error as BundleError).message).toContain('models/x/bundle.json');
    return error as BundleError;
  }
  throw new Error('the manifest was taken');
}

describe('what a member gives for a sample', () => {
  it('follows from its stage, task and kind', () => {
    expect(outputOf(demo(1), 'scs', 'cls')).toEqual({ name: 'logits', dims: [5, 32] });
    expect(outputOf(demo(1), 'nfn', 'cls')).toEqual({ name: 'logits', dims: [10, 32] });
    expect(outputOf(demo(1), 'nfn', 'reg')).toEqual({ name: 'coordinates', dims: [10, 3] });
    expect(outputOf(demo(2), 'nfn', 'xy')).toEqual({ name: 'xy', dims: [5, 2] });
    expect(outputOf(demo(2), 'ss', 'xy')).toEqual({ name: 'xy', dims: [2, 2] });
    expect(outputOf(demo(3), 'ss', 'severity')).toEqual({ name: 'logits', dims: [3] });
  });
});

describe('what a member is given for a sample', () => {
  it('follows from its stage and task', () => {
    expect(inputsOf(demo(1), 'scs')).toEqual({ volume: [1, 32, 384, 384] });
    expect(inputsOf(demo(2), 'ss')).toEqual({ image: [3, 512, 512] });
    const sagittal = [5, 128, 224];
    const axial = [5, 256, 256];
    expect(inputsOf(demo(3), 'scs')).toEqual({ sagittal, axial });
    expect(inputsOf(demo(3), 'nfn')).toEqual({ sagittal, axial });
    expect(inputsOf(demo(3), 'ss')).toEqual({ axial });
  });

  it('comes from the window of that view, where windows differ', () => {
    const other = parseBundle(
      changed(3, ({ crops }) => {
        for (const window of crops.windows) {
          if (window.kind === 'sagittal_t1') window.to = [40, 60];
          if (window.kind === 'axial_t2') window.to = window.side === 'middle' ? [70, 80] : [90, 100];
        }
      }),
      'other',
    );
    expect(inputsOf(other, 'scs')).toEqual({ sagittal: [5, 128, 224], axial: [5, 70, 80] });
    expect(inputsOf(other, 'nfn')).toEqual({ sagittal: [5, 40, 60], axial: [5, 90, 100] });
    expect(inputsOf(other, 'ss')).toEqual({ axial: [5, 90, 100] });
  });
});

describe('a manifest', () => {
  it('of each stage is read whole', () => {
    for (const stage of [1, 2, 3] as const) {
      expect(demo(stage).stage).toBe(stage);
      expect(bundleOfStage(demo(stage), stage)).toEqual(JSON.parse(TEXT[stage - 1]!));
    }
  });

  it('may say that a member is float16, and how much it differs', () => {
    const half = changed(1, ({ tasks }) => {
      Object.assign(tasks.scs.members[0], { precision: 'float16', float16Difference: 6.1e-4 });
    });
    const [first, second] = membersOf(parseBundle(half, 'half'));
    expect(first!.member).toMatchObject({ precision: 'float16', float16Difference: 6.1e-4 });
    expect(second!.member.precision).toBeUndefined();
    const unknown = changed(1, ({ tasks }) => Object.assign(tasks.scs.members[0], { precision: 'int8' }));
    expect(refusal(unknown).message).toContain('precision');
  });

  it('lists its members with their tasks, in order', () => {
    expect(membersOf(demo(1)).map(({ task, member }) => `${task} ${member.file}`)).toEqual([
      'scs scs-cls.onnx',
      'scs scs-reg.onnx',
      'nfn nfn-cls.onnx',
      'nfn nfn-reg.onnx',
    ]);
  });

  it('is for one stage, and refused for another', () => {
    expect(() => bundleOfStage(demo(1), 2)).toThrow(
      expect.objectContaining({ code: 'BUNDLE_WRONG_STAGE', context: { expected: 'stage 2', found: 'stage 1' } }),
    );
  });

  it.each([
    ['text that is not JSON', 1, (): string => '{'],
    ['a stage that does not exist', 1, (): string => changed(1, (m) => (m.stage = 4))],
    ['a field that nobody reads', 1, (): string => changed(1, (m) => (m.colour = 'green'))],
    ['a misspelt setting', 1, (): string => changed(1, (m) => (m.input.antialias = true))],
    [
      'a member’s path that leaves the folder',
      1,
      (): string => changed(1, (m) => (m.tasks.scs.members[0].file = '../a.onnx')),
    ],
    ['a member that is no ONNX file', 1, (): string => changed(1, (m) => (m.tasks.scs.members[0].file = 'a.bin'))],
    ['a digest in capitals', 1, (): string => changed(1, (m) => (m.tasks.scs.members[0].sha256 = 'A'.repeat(64)))],
    ['a weight of zero', 1, (): string => changed(1, (m) => (m.tasks.scs.members[0].weight = 0))],
    ['a kind of another stage', 1, (): string => changed(1, (m) => (m.tasks.scs.members[0].kind = 'xy'))],
    ['a task without members', 2, (): string => changed(2, (m) => (m.tasks.ss.members = []))],
    ['a version that is none', 2, (): string => changed(2, (m) => (m.version = 'latest'))],
    ['a name with a slash', 2, (): string => changed(2, (m) => (m.name = 'a/b'))],
    [
      'percentiles the wrong way round',
      2,
      (): string => changed(2, (m) => (m.input.normalise = { ...m.input.normalise, low: 99, high: 1 })),
    ],
    ['an even number of slices a crop', 3, (): string => changed(3, (m) => (m.crops.slices = 4))],
    ['classes in another order', 3, (): string => changed(3, (m) => m.classes.reverse())],
    [
      'class shares that do not sum to 1',
      3,
      (): string => changed(3, (m) => (m.classShares.spinal_canal_stenosis.l1_l2 = [0, 0, 0])),
    ],
    [
      'class shares that lack a condition',
      3,
      (): string => changed(3, (m) => delete m.classShares.spinal_canal_stenosis),
    ],
    [
      'class shares that lack a level',
      3,
      (): string => changed(3, (m) => delete m.classShares.spinal_canal_stenosis.l5_s1),
    ],
    ['a level without a window', 3, (): string => changed(3, (m) => m.crops.windows.pop())],
    [
      'two windows for one view of a level',
      3,
      (): string => changed(3, (m) => m.crops.windows.push(m.crops.windows[0])),
    ],
    [
      'windows of one array that end in different sizes',
      3,
      (): string => changed(3, (m) => (m.crops.windows[0].to = [64, 64])),
    ],
  ] as const)('with %s is refused', (_what, _stage, text) => {
    refusal(text());
  });

  it('that is refused says which field and why', () => {
    const windows = refusal(changed(3, (m) => (m.crops.windows = m.crops.windows.slice(1))));
    expect(windows.summary).toContain('sagittal_t2, middle: one window for each level');
    expect(windows.summary).toContain('l1_l2, l2_l3, l3_l4, l4_l5');
    expect(windows.summary).toContain('crops.windows');
    expect(refusal(changed(1, (m) => (m.input.slices = -1))).summary).toContain('input.slices');
  });
});

describe('the digest', () => {
  it('is the same whatever the order of fields and the white space', () => {
    const reversed = (value: unknown): unknown =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, inner]) => [key, reversed(inner)]),
          )
        : value;
    const other = parseBundle(JSON.stringify(reversed(JSON.parse(TEXT[2])), null, 7), 'reversed');
    expect(bundleDigest(other)).toBe(bundleDigest(demo(3)));
    expect(bundleDigest(demo(3))).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['a member’s bytes', (m: Plain) => (m.tasks.scs.members[0].sha256 = '0'.repeat(64))],
    ['a weight', (m: Plain) => (m.tasks.scs.members[0].weight = 2)],
    ['the order of members', (m: Plain) => m.tasks.scs.members.reverse()],
    ['a window', (m: Plain) => (m.crops.windows[0].left = 97)],
    ['the version', (m: Plain) => (m.version = '0.1.1')],
    ['the notice', (m: Plain) => (m.notice = '')],
  ])('changes with %s', (_what, change) => {
    expect(bundleDigest(parseBundle(changed(3, change), 'changed'))).not.toBe(bundleDigest(demo(3)));
  });
});
