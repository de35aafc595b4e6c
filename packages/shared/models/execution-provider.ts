/** Where models run, checked before any work is taken: a GPU asked for and not there must not become a CPU in silence. */

import './no-telemetry.ts';
import { InferenceSession } from 'onnxruntime-node';
import { ConfigError } from '../domain/index.ts';

/** y = relu(x) for one number, as ONNX: the smallest model that an execution provider can be asked to run. */
const TINY_MODEL = Buffer.from(
  'CAgSADozCgwKAXgSAXkiBFJlbHUSAWdaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggBQgQKABAR',
  'base64',
);

/**
 * Makes a session on the execution provider.
 *
 * @throws {ConfigError} if that fails: the libraries or the device are not there.
 */
export async function checkExecutionProvider(provider: string): Promise<void> {
  try {
    await InferenceSession.create(TINY_MODEL, { executionProviders: [provider], logSeverityLevel: 4 });
  } catch (cause) {
    throw new ConfigError(
      `the execution provider ${provider} is not there`,
      {
        found: cause instanceof Error ? cause.message.split('\n')[0]?.trim().slice(0, 200) : String(cause),
        hint: 'CUDA and TensorRT need onnxruntime-node installed with ONNXRUNTIME_NODE_INSTALL=cuda12, and a driver',
      },
      { cause },
    );
  }
}
