export { ComputePool, type StudySession, TaskPool } from './compute-pool.ts';
export { serveTasks } from './serve-tasks.ts';
export { free } from './transfer.ts';
