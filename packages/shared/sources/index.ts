/** Where images come from: one file per scheme. */

export { describeLocation } from './describe-location.ts';
export { type DicomWebClient, type FoundInstance, type FoundSeries, type FoundStudy } from './dicomweb/client.ts';
export { isDicomWeb } from './dicomweb/location.ts';
export { type DicomWebOptions } from './dicomweb/options.ts';
export { type FetchedFile, fetchFiles } from './fetch-files.ts';
export { observeSources } from './observed-sources.ts';
export { type SourceOptions, openDicomWeb, openSources } from './open-sources.ts';
export { type SourceInfo, type SourceReader } from './source-reader.ts';
