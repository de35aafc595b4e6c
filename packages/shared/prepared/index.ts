export { type PrepareSettings, planArrays } from './array-plan.ts';
export { PREPARED_FILE, type PrepareProgress, type PrepareRequest, prepareDataset } from './prepare-dataset.ts';
export { DTYPES, PreparedDataset, PreparedShard, PrepareOptions, readPreparedDataset, readShard } from './records.ts';
