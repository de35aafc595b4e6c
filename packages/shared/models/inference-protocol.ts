/**
 * The messages between the main thread and an inference thread. Buffers are never shared: samples are copied, outputs
 * are transferred.
 */

/** One sample's tensors by ONNX input name; `dims` without the batch dimension, data float32 in C order. */
export type Sample = Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>;

/** One sample's outputs by ONNX output name; `dims` without the batch dimension, data float32 in C order. */
export type SampleOutput = Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>;

export interface SessionOptions {
  readonly executionProvider: string;
  readonly intraOpThreads: number;
}

export type ThreadRequest =
  /** Makes a session. `model` is the SHA-256 of the ONNX file; later requests name the model by it. */
  | { readonly type: 'load'; readonly id: number; readonly model: string; readonly bytes: Uint8Array }
  /** Runs several models on one batch, one after the other. */
  | {
      readonly type: 'run';
      readonly id: number;
      readonly models: readonly string[];
      readonly samples: readonly Sample[];
    };

export type ThreadReply =
  | { readonly id: number; readonly ok: true; readonly outputs: SampleOutput[][]; readonly busyMs: number }
  | { readonly id: number; readonly ok: false; readonly message: string };
