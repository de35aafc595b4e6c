export { describeSettings, readSettings, type Settings } from './settings.ts';
