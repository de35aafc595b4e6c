/**
 * The messages between the main thread and an inference thread. Samples and outputs are transferred, never copied: each
 * belongs to one thread at a time.
 */

/** One sample's tensors by ONNX input name; `dims` without the batch dimension, data float32 in C order. */
export type Sample = Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>;

/** One sample's outputs by ONNX output name; `dims` without the batch dimension, data float32 in C order. */
export type SampleOutput = Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>;

/** The dimensions of a sample's tensors by ONNX input name, without the batch dimension. */
export type SampleDims = Readonly<Record<string, readonly number[]>>;

export interface SessionOptions {
  /** Name of the execution provider: cpu, cuda, tensorrt or webgpu. */
  readonly executionProvider: string;
  /** The GPU, for CUDA and TensorRT. */
  readonly deviceId: number;
  readonly intraOpThreads: number;
}

/** How many nodes of a model run where, after ONNX Runtime's optimisation. */
export interface Placement {
  /** Nodes on the execution provider that was asked for. */
  readonly there: number;
  /** Nodes on another one by operator, such as `{ Shape: 2 }`. */
  readonly elsewhere: Readonly<Record<string, number>>;
}

/** A model to make a session of. */
export interface Model {
  /** SHA-256 of the ONNX file. Later requests name the model by it. */
  readonly model: string;
  readonly bytes: Uint8Array;
  readonly precision: 'float32' | 'float16';
}

export type ThreadRequest =
  /** Makes a session. */
  | ({ readonly type: 'load'; readonly id: number } & Model)
  /**
   * Makes a session if there is none, and runs the model on samples of zeros, once per batch size. With `placement` it
   * also counts where nodes run.
   */
  | ({
      readonly type: 'try';
      readonly id: number;
      readonly dims: SampleDims;
      readonly batches: readonly number[];
      readonly placement: boolean;
    } & Model)
  /** Runs several models on one batch, one after the other. */
  | {
      readonly type: 'run';
      readonly id: number;
      readonly models: readonly string[];
      readonly samples: readonly Sample[];
    };

export type ThreadReply =
  | {
      readonly id: number;
      readonly ok: true;
      readonly outputs: SampleOutput[][];
      readonly busyMs: number;
      readonly placement?: Placement | undefined;
    }
  /** `samples`: those of a failed run, given back so that each can run again alone. */
  | { readonly id: number; readonly ok: false; readonly message: string; readonly samples?: readonly Sample[] };

/** The memory of samples or outputs, each once, to transfer it. */
export function buffersOf(samples: readonly (Sample | SampleOutput)[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const sample of samples) {
    for (const { data } of Object.values(sample)) buffers.add(data.buffer as ArrayBuffer);
  }
  return [...buffers];
}
