/** The worker thread of an export: one study per task. */

export { writeExportStudy as default } from './write-study.ts';
