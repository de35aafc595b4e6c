/** The model that other tests use to keep a worker busy: it must be a model that stage 1 takes, whatever its length. */

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { iterationsFor, slowLoop } from './fixtures/slow-loop.ts';

describe('the slow loop', () => {
  it.each([
    { outputs: 5, batch: 1 },
    { outputs: 10, batch: 3 },
  ])('reads volumes and gives $outputs outputs that each peak at a slice, batch $batch', async ({ outputs, batch }) => {
    const session = await InferenceSession.create(slowLoop({ iterations: 7, outputs }), { intraOpNumThreads: 1 });
    const volume = new Tensor('float32', new Float32Array(batch * 32 * 8 * 8).fill(0.5), [batch, 1, 32, 8, 8]);
    const { logits } = await session.run({ volume });
    expect(logits!.dims).toEqual([batch, outputs, 32]);
    const values = logits!.data as Float32Array;
    const peaks = Array.from({ length: batch * outputs }, (_, index) => {
      const row = values.subarray(index * 32, (index + 1) * 32);
      return row.indexOf(Math.max(...row));
    });
    expect(peaks).toEqual(Array.from({ length: batch * outputs }, (_, index) => 6 + 2 * (index % outputs)));
    await session.release();
  });

  it('runs its loop: the trace that the loop leaves depends on the number of steps', async () => {
    const traces: number[] = [];
    for (const iterations of [1, 2, 3]) {
      const session = await InferenceSession.create(slowLoop({ iterations, outputs: 5 }));
      const volume = new Tensor('float32', new Float32Array(32 * 8 * 8).fill(0.5), [1, 1, 32, 8, 8]);
      const { logits } = await session.run({ volume });
      // Where the ramp is zero, at the first output's peak, the trace is all there is.
      traces.push((logits!.data as Float32Array)[6]!);
      await session.release();
    }
    expect(new Set(traces).size).toBe(3);
  });

  it('gives the steps for a wanted duration', () => {
    expect(iterationsFor(90_000, 1000, 60)).toBe(1_500_000);
  });
});
