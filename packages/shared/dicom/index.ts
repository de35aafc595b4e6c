/** Reading DICOM images: headers, pixels, and what kind of series an image belongs to. */

export { classifySeries } from './classify-series.ts';
export { decodeFrame, readFrame } from './frame.ts';
export type { FrameHeader } from './frames.ts';
export { type DicomHeader, readHeader } from './header.ts';
export type { FrameFacts, InstanceFacts } from './instance-facts.ts';
