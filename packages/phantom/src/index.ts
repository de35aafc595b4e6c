export { AWKWARD_MEANINGS, type Awkward } from './awkward.ts';
export { renderContactSheet } from './contact-sheet.ts';
export { EXPECTATIONS_SCHEMA, EXPORT_STUDIES, EXPORT_VERSION, type ExpectedStack, type ExportExpectations, type ExportOptions, type ExportStudy, type ExportSummary, generateExport, type StudyExpectation } from './export/index.ts';
export { PHANTOM_NOTICE } from './notice.ts';
export { FIELDS_OF_VIEW, type FieldOfView, type Padding } from './padding.ts';
export { type AwkwardStudy, generatePhantom, PHANTOM_VERSION, type PhantomArtefact, type PhantomOptions, type PhantomSummary } from './phantom.ts';
export { STORED_AS, type StoredAs } from './stored-as.ts';
export { oneSided, parseSide, parseStoredAs, type SeverityRule, type Variation } from './variation.ts';
