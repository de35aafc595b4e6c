export { ComputePool, TaskPool } from './compute-pool.ts';
export { serveTasks } from './serve-tasks.ts';
