/**
 * Where things lie in the store, and what may be part of a path.
 */

import { describe, expect, it } from 'vitest';
import { ConfigError, DatasetError } from '../domain/index.ts';
import {
  bundleFileKey,
  bundleKey,
  bundleOfKey,
  datasetKey,
  datasetPageKey,
  encodeStudy,
  failureKey,
  promotionKey,
  resultKey,
  runKey,
  stageOutputKey,
  studyOfKey,
} from '../store/index.ts';
import { decodeStudy } from '../store/layout.ts';
import { checkKey } from '../store/object-key.ts';

const DIGEST = `ab${'0'.repeat(62)}`;

it('puts everything where the layout says', () => {
  expect(runKey('night-1')).toBe('runs/night-1/run.json');
  expect(resultKey('night-1', '4003253')).toBe('runs/night-1/studies/4003253.json');
  expect(failureKey('night-1', '4003253')).toBe('runs/night-1/failed/4003253.json');
  expect(datasetKey(DIGEST)).toBe(`datasets/${DIGEST}.json`);
  expect(datasetPageKey(DIGEST)).toBe(`datasets/pages/ab/${DIGEST}.jsonl.zst`);
  expect(bundleKey('demo-stage1', '1.0.0-rc.1')).toBe('models/demo-stage1/1.0.0-rc.1/bundle.json');
  expect(bundleFileKey('demo-stage1', '1.0.0', 'scs-0.onnx')).toBe('models/demo-stage1/1.0.0/scs-0.onnx');
  expect(bundleOfKey('models/demo-stage1/1.0.0/bundle.json')).toEqual({ name: 'demo-stage1', version: '1.0.0' });
  expect(bundleOfKey('models/demo-stage1/1.0.0/scs-0.onnx')).toBeUndefined();
  expect(promotionKey(3)).toBe('promoted/stage3.json');
  expect(stageOutputKey('stage2-crops', DIGEST, 'scs.npy')).toBe(`stages/stage2-crops/ab/${DIGEST}/scs.npy`);
});

it('takes run names that work everywhere, and no others', () => {
  for (const run of ['a', 'night-1', '2026-07-01', 'v1.2_b', 'x'.repeat(100)]) expect(runKey(run)).toContain(run);
  for (const run of ['', '.', '..', '.a', '-a', 'a/b', 'a:b', 'a b', 'ä', 'a\n', 'x'.repeat(101)]) {
    expect(() => runKey(run), run).toThrow(ConfigError);
  }
});

it('refuses digests, bundle names and files that are none', () => {
  const refused = { code: 'STORE_KEY_INVALID' };
  expect(() => stageOutputKey('stage1', 'AB', 'z.json')).toThrow(expect.objectContaining(refused));
  expect(() => stageOutputKey('stage1', DIGEST, 'a/b')).toThrow(expect.objectContaining(refused));
  expect(() => bundleKey('..', '1.0.0')).toThrow(expect.objectContaining(refused));
  expect(() => bundleFileKey('demo', '1.0.0', '.hidden')).toThrow(expect.objectContaining(refused));
  expect(() => datasetPageKey('7')).toThrow(expect.objectContaining(refused));
});

describe('study ids', () => {
  const odd = [
    'a/b',
    'a b',
    '..',
    '.',
    '.hidden',
    '.tmp-1',
    'a%2Fb',
    'a%',
    'ä/😀',
    'x.json',
    'con:1',
    'a\\b',
    '\u0000',
    '~',
  ];

  it('of plain characters stay as they are', () => {
    for (const study of ['4003253', 'ABC-1_2.3', '1.2.840.113619', 'a..b', '-']) expect(encodeStudy(study)).toBe(study);
  });

  it('of other characters become keys, each its own, and come back', () => {
    const encoded = odd.map(encodeStudy);
    expect(new Set(encoded).size).toBe(odd.length);
    for (const [i, study] of odd.entries()) {
      expect(encoded[i]).toMatch(/^[A-Za-z0-9_%-][A-Za-z0-9._%-]*$/);
      expect(checkKey(resultKey('run', study))).toContain(encoded[i]);
      expect(decodeStudy(encoded[i]!)).toBe(study);
      expect(studyOfKey(resultKey('run', study))).toBe(study);
      expect(studyOfKey(failureKey('run', study))).toBe(study);
    }
    expect(encodeStudy('ä/.')).toBe('%C3%A4%2F.');
  });

  it('cannot be empty, malformed or too long', () => {
    for (const study of ['', '\ud800', 'x'.repeat(201), 'ä'.repeat(40)]) {
      expect(() => encodeStudy(study)).toThrow(DatasetError);
    }
  });

  it('are not read out of keys that were not made of one', () => {
    for (const key of [
      'runs/r/run.json',
      'runs/r/studies/a%2f.json',
      'runs/r/studies/%.json',
      'runs/r/studies/a b.json',
    ]) {
      expect(studyOfKey(key)).toBeUndefined();
    }
    expect(decodeStudy('%41')).toBeUndefined();
  });
});
