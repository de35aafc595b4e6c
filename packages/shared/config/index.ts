export { type Settings, describeSettings, readSettings } from './settings.ts';
export { storeOption } from './store-option.ts';
