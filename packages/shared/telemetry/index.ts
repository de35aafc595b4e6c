export { addGpuMetrics, type GpuReading, readGpus, registerGpuMetrics } from './gpu-metrics.ts';
export { type Health, type HealthServer, startHealthServer } from './health.ts';
export { JobClock, PHASES, type Phase, type TaskTimes } from './job-clock.ts';
export { createLogger, type Logger } from './logger.ts';
export { type JobOutcome, type ModelIdentity, type WorkerLimits, WorkerMetrics } from './metrics.ts';
export { addProcessMetrics } from './process-metrics.ts';
export { StoreMetrics, type StoreTarget } from './store-metrics.ts';
export { NO_TRACES, startTraces, type Traces } from './traces.ts';
