/** Exports: studies as scanners and PACS of many vendors write them, with the expected result for each file. */

export { EXPORT_STUDIES } from './studies.ts';
export { generateExport } from './write-export.ts';
