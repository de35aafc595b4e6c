export { type GpuReading, addGpuMetrics, readGpus, registerGpuMetrics } from './gpu-metrics.ts';
export { type Health, type HealthServer, startHealthServer } from './health.ts';
export { JobClock, PHASES, type Phase, type TaskTimes } from './job-clock.ts';
export { type Logger, createLogger } from './logger.ts';
export { type JobOutcome, type ModelIdentity, type WorkerLimits, WorkerMetrics } from './metrics.ts';
export { addProcessMetrics } from './process-metrics.ts';
export { StoreMetrics, type StoreTarget } from './store-metrics.ts';
export { NO_TRACES, type Traces, startTraces } from './traces.ts';
