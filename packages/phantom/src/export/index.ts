/** Studies as other people's scanners and PACS write them, with what a reader must make of them. */

export { EXPECTATIONS_SCHEMA, type ExpectedStack, type ExportExpectations, type StudyExpectation } from './expectations.ts';
export { EXPORT_STUDIES, type ExportStudy } from './studies.ts';
export { EXPORT_VERSION, type ExportOptions, type ExportSummary, generateExport } from './write-export.ts';
