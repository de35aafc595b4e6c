/** Reading DICOM images: headers, pixels, and the facts that tell series apart. */

export { hexTag, type Keyword, TAG } from './dictionary.ts';
export { decodeFrame, type Frame, readFrame } from './frame.ts';
export type { FoundPlace, FrameHeader } from './frames.ts';
export { type DicomHeader, readHeader } from './header.ts';
export type { FrameFacts, InstanceFacts } from './instance-facts.ts';
export { type FactSource, type FoundFacts, factsOf, readFacts } from './read-facts.ts';
