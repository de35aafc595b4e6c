export { BundleCache, type ReadyBundle } from './bundle-cache.ts';
export { MemberDoesNotRunError, tryBundle } from './bundle-check.ts';
export { checkExecutionProvider, prepareExecutionProvider } from './execution-provider.ts';
export { InferencePool } from './inference-pool.ts';
export type { Placement, Sample, SampleOutput } from './inference-protocol.ts';
export { type Measured, type Trial, type Tuned, type TuneProgress, tune } from './tune.ts';
