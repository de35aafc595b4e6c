/**
 * WebGPU without a GPU: Chromium brings SwiftShader, a Vulkan driver that computes on the CPU, and ONNX Runtime's WebGPU
 * provider takes it.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** What a worker needs to find the driver. */
export const WEBGPU_ENVIRONMENT = { VK_DRIVER_FILES: DRIVER };

const CHECK = `
import { checkExecutionProvider } from '@spineline/shared/inference';
await checkExecutionProvider({ executionProvider: 'webgpu', devices: [0], tf32: true, tensorrt: { float16: false } });
`;

/** Why WebGPU cannot be tested here. Another process finds out, since a driver is chosen once per process. */
export async function webgpuMissing(): Promise<string | undefined> {
  if (!existsSync(DRIVER)) return `no SwiftShader: ${DRIVER} is not there, install chromium`;
  try {
    await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', CHECK], {
      cwd: import.meta.dirname,
      env: { ...process.env, ...WEBGPU_ENVIRONMENT },
    });
    return undefined;
  } catch (error) {
    const { stderr = String(error) } = error as { stderr?: string };
    const [line = 'WebGPU does not start'] = stderr.split('\n').filter((one) => /Error:|libvulkan/.test(one));
    return `${line.trim()}; libvulkan1 may be missing`;
  }
}
