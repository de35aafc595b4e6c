/**
 * Prepares the execution provider and checks at start-up that it works, so that models never run on a CPU unnoticed when
 * a GPU was asked for.
 *
 * onnxruntime-node 1.30 passes only the number of the GPU to CUDA and TensorRT (decision 31). Everything else goes
 * through the variables that NVIDIA's libraries and the TensorRT provider read from the environment.
 */

import './no-telemetry.ts';
import { mkdirSync } from 'node:fs';
import { ConfigError } from '../domain/index.ts';

/** y = relu(x) for one number, as ONNX: the smallest model to test an execution provider with. */
const TINY_MODEL = Buffer.from(
  'CAgSADozCgwKAXgSAXkiBFJlbHUSAWdaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggBQgQKABAR',
  'base64',
);

export interface ProviderSettings {
  readonly executionProvider: string;
  readonly devices: readonly number[];
  readonly tf32: boolean;
  readonly tensorrt: { readonly cache: string | undefined; readonly float16: boolean };
}

/**
 * Sets the variables that the provider's libraries read when they are loaded: call it before the first session.
 *
 * @throws {ConfigError} if the folder for TensorRT's engines cannot be made.
 */
export function prepareExecutionProvider({ executionProvider, tf32, tensorrt }: ProviderSettings): void {
  if (executionProvider !== 'cuda' && executionProvider !== 'tensorrt') return;
  if (!tf32) process.env.NVIDIA_TF32_OVERRIDE = '0';
  if (executionProvider !== 'tensorrt') return;
  if (tensorrt.float16) process.env.ORT_TENSORRT_FP16_ENABLE = '1';
  if (tensorrt.cache === undefined) return;
  try {
    mkdirSync(tensorrt.cache, { recursive: true });
  } catch (cause) {
    throw new ConfigError(`the folder for TensorRT’s engines cannot be made: ${tensorrt.cache}`, {}, { cause });
  }
  process.env.ORT_TENSORRT_ENGINE_CACHE_ENABLE = '1';
  process.env.ORT_TENSORRT_TIMING_CACHE_ENABLE = '1';
  process.env.ORT_TENSORRT_CACHE_PATH = tensorrt.cache;
}

/**
 * Makes a session on every device of the execution provider.
 *
 * @throws {ConfigError} if that fails because libraries or the device are missing.
 */
export async function checkExecutionProvider({ executionProvider, devices }: ProviderSettings): Promise<void> {
  const hasDevices = executionProvider === 'cuda' || executionProvider === 'tensorrt';
  for (const deviceId of hasDevices ? devices : [0]) {
    const provider = hasDevices ? { name: executionProvider, deviceId } : executionProvider;
    try {
      // Loaded here, since commands that run no model would otherwise hold it in memory.
      const { InferenceSession } = await import('onnxruntime-node');
      await InferenceSession.create(TINY_MODEL, { executionProviders: [provider], logSeverityLevel: 4 });
    } catch (cause) {
      const where = hasDevices ? ` on GPU ${deviceId}` : '';
      throw new ConfigError(
        `the execution provider ${executionProvider} is not available${where}`,
        {
          found: cause instanceof Error ? cause.message.split('\n')[0]?.trim().slice(0, 200) : String(cause),
          hint: HINTS[executionProvider],
        },
        { cause },
      );
    }
  }
}

const NVIDIA = 'ONNX Runtime’s CUDA libraries beside onnxruntime-node, CUDA 13, cuDNN 9 and a driver: docs/cluster.md';
const HINTS: Readonly<Record<string, string>> = {
  cuda: `CUDA needs ${NVIDIA}`,
  tensorrt: `TensorRT needs TensorRT 10, ${NVIDIA}`,
  webgpu: 'WebGPU needs a Vulkan driver and libvulkan1; VK_DRIVER_FILES names the file of a driver',
};
