/** Where images come from: one file per scheme. */

export { describeLocation } from './describe-location.ts';
export type { DicomWebClient, FoundInstance, FoundSeries, FoundStudy } from './dicomweb-client.ts';
export { isDicomWeb } from './dicomweb-location.ts';
export type { DicomWebOptions } from './dicomweb-options.ts';
export { observeSources } from './observed-sources.ts';
export { openDicomWeb, openSources, type SourceOptions } from './open-sources.ts';
export type { SourceInfo, SourceReader } from './source-reader.ts';
