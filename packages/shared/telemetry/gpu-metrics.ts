/**
 * How busy the GPUs of this machine are, read from `nvidia-smi` at every scrape. Without `nvidia-smi` there are no such
 * series. NVIDIA's DCGM exporter, if a cluster runs it, has the same figures and more.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Gauge, type Registry } from 'prom-client';

const QUERY = ['--query-gpu=index,utilization.gpu,memory.used,memory.total', '--format=csv,noheader,nounits'];
const TIMEOUT_MS = 3000;
/** Scrapes within this time share one reading. */
const FRESH_MS = 1000;
const MIB = 2 ** 20;

export interface GpuReading {
  readonly gpu: string;
  /** 0 to 1. */
  readonly utilization: number;
  readonly memoryUsedBytes: number;
  readonly memoryTotalBytes: number;
}

/** One reading per GPU; none if `nvidia-smi` is not installed or does not answer in time. */
export async function readGpus(program = 'nvidia-smi'): Promise<GpuReading[]> {
  try {
    const { stdout } = await promisify(execFile)(program, QUERY, { timeout: TIMEOUT_MS });
    return (
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(',').map((cell) => cell.trim()))
        .map(([gpu = '', ...rest]) => ({ gpu, numbers: rest.map(Number) }))
        // A GPU that is divided into instances (MIG) reports [N/A] for some fields.
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

/** Adds the series of each GPU; nothing if there is no GPU now. */
export async function addGpuMetrics(registry: Registry, program?: string): Promise<void> {
  if ((await readGpus(program)).length > 0) registerGpuMetrics(registry, () => readGpus(program));
}

/** @param read called at every scrape. */
export function registerGpuMetrics(registry: Registry, read: () => Promise<GpuReading[]>): void {
  let reading = Promise.resolve<GpuReading[]>([]);
  let readAt = Number.NEGATIVE_INFINITY;
  /** One reading for the three series of a scrape. */
  const latest = () => {
    if (performance.now() - readAt > FRESH_MS) {
      reading = read();
      readAt = performance.now();
    }
    return reading;
  };
  const series = (name: string, help: string, pick: (reading: GpuReading) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['gpu'],
      registers: [registry],
      async collect() {
        const readings = await latest();
        this.reset();
        for (const one of readings) this.set({ gpu: one.gpu }, pick(one));
      },
    });
  series(
    'spineline_gpu_utilization_ratio',
    'Share of the last sampling period in which the GPU was computing, 0 to 1',
    ({ utilization }) => utilization,
  );
  series('spineline_gpu_memory_used_bytes', 'GPU memory in use', ({ memoryUsedBytes }) => memoryUsedBytes);
  series('spineline_gpu_memory_total_bytes', 'Total GPU memory', ({ memoryTotalBytes }) => memoryTotalBytes);
}
