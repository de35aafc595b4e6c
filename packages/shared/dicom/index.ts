/**
 * Reading DICOM images. `openImage` gives header and pixels. `readFacts` (files) and `factsOf` (other sources) give what
 * a header says about study, series and place, without pixels.
 *
 * The way of a file: `file-start.ts` and `elements.ts` find the elements, `attribute-values.ts` gives their values,
 * `header.ts` checks them. `stored-values.ts` decodes a frame, with `native-frames.ts` or `encapsulated-frames.ts` and
 * `codecs/`. `modality-values.ts` rescales it.
 */

export { type Keyword, TAG, hexTag } from './attributes.ts';
export type { FactSource } from './fact-source.ts';
export type { FrameHeader } from './frame-headers.ts';
export type { DicomHeader } from './header.ts';
export { type FrameFacts, type InstanceFacts, factsOf } from './instance-facts.ts';
export { parseNumbers, trimmed } from './numbers.ts';
export type { Allocate, FramePixels } from './modality-values.ts';
export { type DicomImage, openImage } from './open-image.ts';
export { readFacts } from './read-facts.ts';
