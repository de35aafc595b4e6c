/** The arithmetic of `npm run bench:gpu`. */

import { expect, it } from 'vitest';
import { addFigures, median, modelsMs } from '../../../bench/gpu-figures.ts';

it('takes the median of the runs', () => {
  expect(median([9, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 100])).toBe(3);
  expect(median([7])).toBe(7);
  expect(() => median([])).toThrow(RangeError);
});

it('adds what a process sends later, and keeps what it sent before it crashed', () => {
  let figures = addFigures({}, { loadMs: 5 });
  figures = addFigures(figures, { batchMs: { 1: 10 } });
  figures = addFigures(figures, { batchMs: { 2: 15 } });
  expect(addFigures(figures, { failure: 'crashed' })).toEqual({
    loadMs: 5,
    batchMs: { 1: 10, 2: 15 },
    failure: 'crashed',
  });
});

it('adds up the models of a study with the batch size of the workers', () => {
  const members = [
    { samples: 5, batchMs: { 1: 10, 4: 20, 8: 32 } },
    { samples: 10, batchMs: { 1: 1, 4: 2, 8: 4 } },
  ];
  expect(modelsMs(members, 1)).toBe(5 * 10 + 10);
  expect(modelsMs(members, 8)).toBe((5 * 32) / 8 + (10 * 4) / 8);
  // Batches of 6 were not measured: those of 4 count.
  expect(modelsMs(members, 6)).toBe((5 * 20) / 4 + (10 * 2) / 4);
  // A sum without one model would be too small.
  expect(modelsMs([...members, { samples: 1, batchMs: {} }], 8)).toBeUndefined();
});
