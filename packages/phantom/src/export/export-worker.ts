/** The worker thread of an export: one study a task. */

export { writeExportStudy as default } from './write-study.ts';
