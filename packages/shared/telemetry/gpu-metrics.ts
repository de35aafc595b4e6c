/**
 * How busy the GPUs of this machine are, as `nvidia-smi` says at every scrape; no series where it is not there. A cluster
 * that runs NVIDIA's DCGM exporter has the same, and more, from that.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Gauge, type Registry } from 'prom-client';

const QUERY = ['--query-gpu=index,utilization.gpu,memory.used,memory.total', '--format=csv,noheader,nounits'];
const TIMEOUT_MS = 3000;
const MIB = 2 ** 20;

export interface GpuReading {
  readonly gpu: string;
  /** 0 to 1. */
  readonly utilization: number;
  readonly memoryUsedBytes: number;
  readonly memoryTotalBytes: number;
}

/** What `nvidia-smi` says; nothing where there is none, or none that answers in time. */
export async function readGpus(program = 'nvidia-smi'): Promise<GpuReading[]> {
  try {
    const { stdout } = await promisify(execFile)(program, QUERY, { timeout: TIMEOUT_MS });
    return (
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(',').map((cell) => cell.trim()))
        .map(([gpu = '', ...rest]) => ({ gpu, numbers: rest.map(Number) }))
        // A GPU that is cut in parts says [N/A] to some of it.
        .filter(({ numbers }) => numbers.length === 3 && numbers.every(Number.isFinite))
        .map(({ gpu, numbers: [utilization, used, total] }) => ({
          gpu,
          utilization: utilization! / 100,
          memoryUsedBytes: used! * MIB,
          memoryTotalBytes: total! * MIB,
        }))
    );
  } catch {
    return [];
  }
}

/** Adds the series of each GPU, if there is one now. */
export async function addGpuMetrics(registry: Registry, program?: string): Promise<void> {
  if ((await readGpus(program)).length === 0) return;
  const registers = [registry];
  const labelNames = ['gpu'] as const;
  const used = new Gauge({ name: 'spineline_gpu_memory_used_bytes', help: 'GPU memory in use', labelNames, registers });
  const total = new Gauge({ name: 'spineline_gpu_memory_total_bytes', help: 'GPU memory', labelNames, registers });
  new Gauge({
    name: 'spineline_gpu_utilization_ratio',
    help: 'Share of the last moments in which the GPU was computing, 0 to 1',
    labelNames,
    registers,
    async collect() {
      for (const { gpu, utilization, memoryUsedBytes, memoryTotalBytes } of await readGpus(program)) {
        this.set({ gpu }, utilization);
        used.set({ gpu }, memoryUsedBytes);
        total.set({ gpu }, memoryTotalBytes);
      }
    },
  });
}
