export { type Health, type HealthServer, startHealthServer } from './health.ts';
export { createLogger, type Logger } from './logger.ts';
export { type JobOutcome, type Phase, WorkerMetrics } from './metrics.ts';
