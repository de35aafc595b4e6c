/** Finding studies and series in whatever lies there: headers are read, nothing is believed by its name. */

export type { ScanReport } from './scan-report.ts';
export type { ScanProgress } from './scan-sink.ts';
export { SKIP_REASONS } from './skipped.ts';
