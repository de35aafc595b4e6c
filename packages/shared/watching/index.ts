export type { Silence } from './question.ts';
export { type RunLook, lookOnce, watchRun } from './watch-run.ts';
export { WatchedRuns } from './watched-runs.ts';
