/** Reading DICOM images: headers, pixels, and the facts that tell series apart. */

export { type Keyword, TAG, hexTag } from './dictionary.ts';
export { type Frame, decodeFrame, readFrame } from './frame.ts';
export { type FoundPlace, type FrameHeader } from './frames.ts';
export { type DicomHeader, readHeader } from './header.ts';
export { type FrameFacts, type InstanceFacts } from './instance-facts.ts';
export { type FactSource, type FoundFacts, factsOf, readFacts } from './read-facts.ts';
