/** Metrics of the process itself: CPU, memory, event-loop lag, garbage collection. */

import { collectDefaultMetrics, type Registry } from 'prom-client';

/** Gauges of prom-client with names like counters, which `promtool check metrics` refuses. Nothing here uses them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}
