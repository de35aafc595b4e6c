/** Where images come from: one file per scheme. */

export { observeSources } from './observed-sources.ts';
export { openSources, type SourceOptions } from './open-sources.ts';
export type { SourceInfo, SourceReader } from './source-reader.ts';
