/**
 * How busy the GPUs of this machine are, as `nvidia-smi` says at every scrape; no series where it is not there. A cluster
 * that runs NVIDIA's DCGM exporter has the same, and more, from that.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Gauge, type Registry } from 'prom-client';

const QUERY = ['--query-gpu=index,utilization.gpu,memory.used,memory.total', '--format=csv,noheader,nounits'];
const TIMEOUT_MS = 3000;
/** A reading is shared by what asks within this time. */
const FRESH_MS = 1000;
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
  if ((await readGpus(program)).length > 0) registerGpuMetrics(registry, () => readGpus(program));
}

/** @param read asked at every scrape. */
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
    'Share of the last moments in which the GPU was computing, 0 to 1',
    ({ utilization }) => utilization,
  );
  series('spineline_gpu_memory_used_bytes', 'GPU memory in use', ({ memoryUsedBytes }) => memoryUsedBytes);
  series('spineline_gpu_memory_total_bytes', 'GPU memory', ({ memoryTotalBytes }) => memoryTotalBytes);
}
