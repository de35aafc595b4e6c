/** Studies as other people's scanners and PACS write them, with what a reader must make of them. */

export { EXPORT_STUDIES } from './studies.ts';
export { generateExport } from './write-export.ts';
