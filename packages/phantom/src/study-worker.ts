/** The worker thread of the phantom: one study per task. */

export { writeStudy as default } from './study.ts';
