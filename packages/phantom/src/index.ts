export { AWKWARD_MEANINGS, type Awkward } from './awkward.ts';
export { renderContactSheet } from './contact-sheet.ts';
export {
  type AwkwardStudy,
  generatePhantom,
  PHANTOM_NOTICE,
  PHANTOM_VERSION,
  type PhantomArtefact,
  type PhantomOptions,
  type PhantomSummary,
} from './phantom.ts';
