/**
 * Checks at start-up that the configured execution provider works, so that models never run on a CPU unnoticed when a
 * GPU was asked for.
 */

import './no-telemetry.ts';
import { InferenceSession } from 'onnxruntime-node';
import { ConfigError } from '../domain/index.ts';

/** y = relu(x) for one number, as ONNX: the smallest model to test an execution provider with. */
const TINY_MODEL = Buffer.from(
  'CAgSADozCgwKAXgSAXkiBFJlbHUSAWdaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggBQgQKABAR',
  'base64',
);

/**
 * Makes a session on the execution provider.
 *
 * @throws {ConfigError} if that fails because libraries or the device are missing.
 */
export async function checkExecutionProvider(provider: string): Promise<void> {
  try {
    await InferenceSession.create(TINY_MODEL, { executionProviders: [provider], logSeverityLevel: 4 });
  } catch (cause) {
    throw new ConfigError(
      `the execution provider ${provider} is not available`,
      {
        found: cause instanceof Error ? cause.message.split('\n')[0]?.trim().slice(0, 200) : String(cause),
        hint: 'CUDA and TensorRT need onnxruntime-node installed with ONNXRUNTIME_NODE_INSTALL=cuda12, and a driver',
      },
      { cause },
    );
  }
}
