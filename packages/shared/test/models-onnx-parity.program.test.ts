/**
 * The shipped demo bundles: manifests that tell the truth about their files, and ONNX models that compute in
 * onnxruntime-node what torch computes from the same weights (training/checks/onnx_parity.py).
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { StageNumber } from '../domain/index.ts';
import { ensembleOf } from '../inference/ensemble.ts';
import { InferencePool } from '../inference/index.ts';
import { parseBundle } from '../models/bundle.ts';
import { membersOf, readBundleFolder } from '../models/index.ts';
import { readNpy } from './support/npy.ts';
import { pythonWith } from './support/python-with.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const DEMO = join(ROOT, 'models/demo');
const STAGES: readonly StageNumber[] = [1, 2, 3];
const TOLERANCE = 1e-4;

/** Items per input of the parity script. */
const BATCH = 2;

/** One model of the parity script: its inputs and torch's output are .npy files with a batch of {@link BATCH}. */
interface ParityCase {
  readonly model: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly output: { readonly name: string; readonly file: string };
}

const models = STAGES.flatMap((stage) =>
  membersOf(demoBundle(stage)).map(({ member }) => `stage${stage}/${member.file}`),
);
const python = pythonWith('numpy', 'onnx', 'torch', 'torchvision');

describe('the demo bundles', () => {
  it.each(STAGES)('stage %i has the files that its manifest promises, and no others', (stage) => {
    const members = membersOf(demoBundle(stage)).map(({ member }) => member);
    const onnx = readdirSync(join(DEMO, `stage${stage}`)).filter((name) => name.endsWith('.onnx'));
    expect(onnx.sort()).toEqual(members.map((member) => member.file).sort());
    for (const member of members) {
      const bytes = readFileSync(join(DEMO, `stage${stage}`, member.file));
      expect(bytes.length).toBe(member.bytes);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(member.sha256);
    }
  });

  it.each(STAGES)('stage %i says that it is a demo, and on what it was trained or that it was not', (stage) => {
    const bundle = demoBundle(stage);
    expect(bundle.name).toBe(`demo-stage${stage}`);
    expect(
      bundle.notice.startsWith(
        'Demo models: made for synthetic phantoms, not for real patients. NOT FOR CLINICAL USE.',
      ),
    ).toBe(true);
    expect(bundle.trained).toBe(membersOf(bundle).every(({ member }) => member.trained));
    expect(bundle.notice).toMatch(bundle.trained ? /trained on synthetic phantoms/i : /have not been trained/);
  });

  it('are below 40 MB in all', () => {
    const bytes = models.reduce((sum, model) => sum + statSync(join(DEMO, model)).size, 0);
    expect(bytes).toBeLessThan(40e6);
  });

  it('have class shares that sum to one for every condition and level', () => {
    const bundle = demoBundle(3);
    if (bundle.stage !== 3) throw new Error('models/demo/stage3 is of another stage');
    const shares = Object.values(bundle.classShares).flatMap((levels) => Object.values(levels));
    expect(shares).toHaveLength(25);
    for (const share of shares) expect(share.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 12);
  });
});

describe.skipIf(!python)('onnxruntime-node against torch (skipped: no python3 with torch, torchvision, onnx)', () => {
  let folder = '';
  let cases: ParityCase[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'spineline-onnx-parity-'));
    execFileSync(
      python!,
      ['training/checks/onnx_parity.py', '--models', DEMO, '--out', folder, '--batch', `${BATCH}`],
      {
        cwd: ROOT,
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
      },
    );
    cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')).cases;
    convert('native', '--stage', '1', '--depthwise', 'native');
    convert('half', '--stage', '3', '--precision', 'float16');
  }, 300_000);

  /** Writes demo bundles in another form into a folder below `folder`. */
  function convert(into: string, ...options: string[]): void {
    const command = ['-m', 'spineline_training.convert', '--models', DEMO, '--out', join(folder, into)];
    execFileSync(python!, [...command, '--version', `0.0.0-${into}`, ...options], {
      cwd: join(ROOT, 'training'),
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    });
  }

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const natives = models.filter((model) => model.startsWith('stage1/'));
  it.each([
    ...models.map((model) => [model, 'as it is shipped'] as const),
    ...natives.map((model) => [model, 'with native 3D convolutions'] as const),
  ])('%s %s gives the same output within 1e-4 for one item and for several', async (model, form) => {
    const parity = cases.find((one) => one.model === model)!;
    const file = form === 'as it is shipped' ? join(DEMO, model) : join(folder, 'native', model);
    const session = await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
    try {
      for (const batch of [1, BATCH]) {
        const feeds = Object.entries(parity.inputs).map(([name, file]) => [
          name,
          firstItems(join(folder, file), batch),
        ]);
        const outputs = await session.run(Object.fromEntries(feeds));
        const found = outputs[parity.output.name]!;
        const expected = firstItems(join(folder, parity.output.file), batch);
        expect(found.dims).toEqual(expected.dims);
        expect(largestDifference(found.data as Float32Array, expected.data as Float32Array)).toBeLessThanOrEqual(
          TOLERANCE,
        );
      }
    } finally {
      await session.release();
    }
  });

  it('float16 members give the same probabilities within 0.01 on a CPU, and their manifest says how close they are', async () => {
    const { bundle, digest, files } = await readBundleFolder(join(folder, 'half/stage3'));
    const pin = { name: bundle.name, version: bundle.version, digest };
    const pool = new InferencePool({
      threads: 1,
      devices: [0],
      executionProvider: 'cpu',
      intraOpThreads: 1,
      batchSize: 1,
      batchDelayMs: 0,
    });
    onTestFinished(() => pool.close());
    for (const task of ['scs', 'nfn', 'ss']) {
      const half = ensembleOf(bundle, pin, files, task);
      const parity = cases.filter(({ model }) => half.members.some(({ file }) => model === `stage3/${file}`));
      const inputs = Object.entries(parity[0]!.inputs).map(([name, file]) => {
        const { dims, data } = firstItems(join(folder, file), 1);
        return [name, { dims: dims.slice(1), data: data as Float32Array }];
      });
      const outputs = await pool.infer(half, Object.fromEntries(inputs));
      for (const [i, { file }] of half.members.entries()) {
        const expected = firstItems(join(folder, parity[i]!.output.file), 1).data as Float32Array;
        const difference = largestDifference(softmax(outputs[i]!.logits!.data), softmax(expected));
        expect(difference, file).toBeLessThan(0.01);
      }
    }
    for (const { member } of membersOf(bundle)) {
      expect(member.precision).toBe('float16');
      expect(member.float16Difference).toBeLessThan(0.01);
    }
  });
});

function softmax(logits: Float32Array): Float32Array {
  const exponentials = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((one) => one / sum);
}

function demoBundle(stage: StageNumber) {
  const path = join(DEMO, `stage${stage}`, 'bundle.json');
  if (!existsSync(path)) throw new Error(`models/demo/stage${stage}/bundle.json is missing; see training/README.md`);
  return parseBundle(readFileSync(path, 'utf8'), path);
}

/** The first `batch` items of a float32 .npy file. */
function firstItems(path: string, batch: number): Tensor {
  const { data, shape } = readNpy(readFileSync(path));
  if (!(data instanceof Float32Array)) throw new Error(`${path} is not float32`);
  return new Tensor('float32', data.slice(0, (data.length / shape[0]!) * batch), [batch, ...shape.slice(1)]);
}

/** The largest absolute difference; infinite where a value is not a number. */
function largestDifference(found: Float32Array, expected: Float32Array): number {
  return found.reduce((largest, value, index) => {
    const difference = Math.abs(value - expected[index]!);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
  }, 0);
}
