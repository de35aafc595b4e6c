export { STUDIES_AHEAD } from './fit-machine.ts';
export { type Settings, describeSettings, readSettings } from './settings.ts';
export { quoted, storeOption } from './store-option.ts';
