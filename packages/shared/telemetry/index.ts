export { addGpuMetrics, registerGpuMetrics } from './gpu-metrics.ts';
export { startHealthServer } from './health.ts';
export { JobClock, PHASES, type TaskTimes } from './job-clock.ts';
export { type Logger, createLogger } from './logger.ts';
export { WorkerMetrics } from './metrics.ts';
export { addProcessMetrics } from './process-metrics.ts';
export { StoreMetrics } from './store-metrics.ts';
export { NO_TRACES, type Traces, startTraces } from './traces.ts';
