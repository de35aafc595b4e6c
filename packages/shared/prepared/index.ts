export { type PrepareProgress, prepareDataset } from './prepare-dataset.ts';
export { DTYPES, PrepareOptions, PreparedDataset } from './records.ts';
