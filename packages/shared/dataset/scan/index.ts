/** Finding studies and series in whatever lies there: headers are read, nothing is believed by its name. */

export { compactFacts } from './compact-facts.ts';
export { type Descriptions, groupStudies } from './group-studies.ts';
export { lookAtStart } from './look-at-start.ts';
export { hasForeignExtension, isDicomdirName, isNamedDicom, junkOfName, junkOfPath } from './names.ts';
export { pseudonym } from './pseudonyms.ts';
export { scanFolder } from './scan-folder.ts';
export type { ScanReport } from './scan-report.ts';
export { type ScanProgress, ScanSink } from './scan-sink.ts';
export { scanSources } from './scan-sources.ts';
export { type Identity, type ScannedStudies, type StudyScan, scannedStudies } from './scanned-dataset.ts';
export { SKIP_REASONS, Skipped, type SkipReason } from './skipped.ts';
