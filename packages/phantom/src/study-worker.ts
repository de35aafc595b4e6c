/** The worker thread of the phantom: one study a task. */

export { writeStudy as default } from './study.ts';
