export { type Silence } from './question.ts';
export { Throughput } from './throughput.ts';
export { type RunLook, type StageLook, lookOnce, watchRun } from './watch-run.ts';
export { WatchedRuns } from './watched-runs.ts';
