/** The options of every ONNX Runtime session of spineline. */

import type { InferenceSession } from 'onnxruntime-node';
import type { Model, SessionOptions } from './inference-protocol.ts';

/** From this size of the ONNX file on, a session on a CPU has an arena. */
const ARENA_FROM_BYTES = 16e6;

/** @param fileBytes size of the ONNX file. */
export function sessionOptions(
  { executionProvider: name, deviceId, intraOpThreads }: SessionOptions,
  precision: Model['precision'],
  fileBytes: number,
): InferenceSession.SessionOptions {
  return {
    executionProviders: [name === 'cuda' || name === 'tensorrt' ? { name, deviceId } : name],
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    // With `all`, ONNX Runtime 1.30 ends the process (SIGSEGV) when it lays out float16 convolutions for a CPU.
    graphOptimizationLevel: name === 'cpu' && precision === 'float16' ? 'extended' : 'all',
    // An arena keeps the memory of a run. On a CPU it keeps 30 to 60 MB per worker with the demo bundles, which are no
    // faster with it. A volume of full width takes a quarter less CPU time, and 9 GB instead of 5.
    enableCpuMemArena: name !== 'cpu' || fileBytes >= ARENA_FROM_BYTES,
    logSeverityLevel: 3,
  };
}
