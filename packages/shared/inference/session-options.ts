/** The options of every ONNX Runtime session of spineline. */

import type { InferenceSession } from 'onnxruntime-node';
import type { Model, SessionOptions } from './inference-protocol.ts';

export function sessionOptions(
  { executionProvider: name, deviceId, intraOpThreads }: SessionOptions,
  precision: Model['precision'],
): InferenceSession.SessionOptions {
  return {
    executionProviders: [name === 'cuda' || name === 'tensorrt' ? { name, deviceId } : name],
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    // With `all`, ONNX Runtime 1.30 ends the process (SIGSEGV) when it lays out float16 convolutions for a CPU.
    graphOptimizationLevel: name === 'cpu' && precision === 'float16' ? 'extended' : 'all',
    // On a CPU an arena per session keeps 30 to 60 MB, and is no faster (measured on the demo bundles).
    enableCpuMemArena: name !== 'cpu',
    logSeverityLevel: 3,
  };
}
