export { AWKWARD_MEANINGS, type Awkward } from './awkward.ts';
export { renderContactSheet } from './contact-sheet.ts';
export { PHANTOM_NOTICE } from './notice.ts';
export {
  type AwkwardStudy,
  generatePhantom,
  PHANTOM_VERSION,
  type PhantomArtefact,
  type PhantomOptions,
  type PhantomSummary,
} from './phantom.ts';
