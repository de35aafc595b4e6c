export type { Split } from './challenge-folder.ts';
export { type CsvRow, type CsvTable, type CsvTableShape, readCsvTable } from './csv-table.ts';
export type { InstanceLister } from './instance-finder.ts';
export { LineFaults, quoted } from './line-faults.ts';
export { mapInOrder } from './map-in-order.ts';
export { compareNatural } from './natural-order.ts';
export { type Dataset, type DatasetOptions, openDataset } from './open-dataset.ts';
export { type DatasetPage, datasetDigest, readPage, writePages } from './pages.ts';
export { InstanceEntry, Problem, SeriesEntry, SeriesId, StudyEntry, StudyId } from './study-entry.ts';
