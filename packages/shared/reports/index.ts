export { diffPage } from './diff/diff-page-html.ts';
export { type RunsDiff, diffRuns, targetLabel, verdictOf, withTop } from './diff/run-diff.ts';
export { PART_NAMES, TASK_NAMES } from './evaluation-names.ts';
export { type MembersOf, memberReader } from './member-slices.ts';
export { type Colour, Drawing, LINE_PX } from './pictures/drawing.ts';
export { BLACK, GRADE_COLOURS, GRADE_WORDS, GREY, PAPER, WHITE } from './pictures/palette.ts';
export { PICTURES, makePicture, parsePicture, whatIsKept } from './pictures/study-pictures.ts';
export {
  noticeFileOf,
  submissionRemarks,
  submissionRows,
  writeResultsFile,
  writeSubmissionFile,
} from './result-files.ts';
export { type RunSummary, summarise } from './run-summary.ts';
