export { renderContactSheet } from './contact-sheet.ts';
export { EXPORT_STUDIES, generateExport } from './export/index.ts';
export { FIELDS_OF_VIEW } from './padding.ts';
export { generatePhantom, PHANTOM_VERSION, type PhantomOptions } from './phantom.ts';
export { STORED_AS } from './stored-as.ts';
export { oneSided, parseSide, parseStoredAs } from './variation.ts';
