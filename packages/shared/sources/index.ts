/** Where images come from: one file or folder per scheme. */

export { describeLocation } from './describe-location.ts';
export type { DicomWebClient } from './dicomweb/client.ts';
export { type FetchedFile, fetchFiles } from './fetch-files.ts';
export { observeSources } from './observed-sources.ts';
export { openDicomWeb, openSources } from './open-sources.ts';
export type { SourceReader } from './source-reader.ts';
