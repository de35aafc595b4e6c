/** Finds studies and series in any tree of files or objects. Headers decide, not names. */

export type { ScanReport } from './scan-report.ts';
export type { ScanProgress } from './scan-sink.ts';
export { SKIP_REASONS } from './skipped.ts';
