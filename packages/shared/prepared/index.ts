export { type PrepareSettings, planArrays } from './array-plan.ts';
export { PREPARED_FILE, type PrepareProgress, type PrepareRequest, prepareDataset } from './prepare-dataset.ts';
export { DTYPES, PrepareOptions, PreparedDataset, PreparedShard, readPreparedDataset, readShard } from './records.ts';
