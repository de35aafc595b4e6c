/** The tables of a dataset in the challenge's layout, and `truth.csv` with the exact narrowing beside each grade. */

import {
  conditionLabel,
  LEVELS,
  levelLabel,
  SERIES_DESCRIPTIONS,
  SEVERITY_LABELS,
  TARGETS,
  TASKS,
  targetOfName,
} from '@spineline/shared/domain';
import { stringify } from 'csv-stringify/sync';
import type { StudyRecord } from './study.ts';

/** File name -> text of every table of a dataset; rows in the order of the records. */
export function challengeTables(records: readonly StudyRecord[]): Record<string, string> {
  const descriptions = seriesDescriptions(records);
  return {
    'train.csv': trainTable(records),
    'train_label_coordinates.csv': coordinates(records),
    'train_series_descriptions.csv': descriptions,
    'test_series_descriptions.csv': descriptions,
    'truth.csv': truth(records),
  };
}

/** The challenge's column order: by condition without its side, then side, then level. */
const COLUMNS = TASKS.flatMap((task) =>
  [undefined, 'left', 'right'].flatMap((side) =>
    LEVELS.flatMap((level) => TARGETS.filter((one) => one.task === task && one.side === side && one.level === level)),
  ),
);

function trainTable(records: readonly StudyRecord[]): string {
  const rows = records.map((record) => {
    const targets = new Map(record.targets.map((target) => [target.name, target]));
    const grades = COLUMNS.map(({ name }) => {
      const target = targets.get(name)!;
      return target.labelled ? SEVERITY_LABELS[target.severity] : '';
    });
    return [record.study, ...grades];
  });
  return stringify([['study_id', ...COLUMNS.map((target) => target.name)], ...rows]);
}

function coordinates(records: readonly StudyRecord[]): string {
  const rows = records.flatMap((record) =>
    record.points.map((point) => {
      const target = targetOfName(point.name)!;
      const place = [conditionLabel(target.condition), levelLabel(target.level)];
      return [record.study, point.seriesId, point.instance, ...place, point.x.toFixed(6), point.y.toFixed(6)];
    }),
  );
  return stringify([['study_id', 'series_id', 'instance_number', 'condition', 'level', 'x', 'y'], ...rows]);
}

function seriesDescriptions(records: readonly StudyRecord[]): string {
  const rows = records.flatMap((record) =>
    record.series.map(({ id, kind }) => [record.study, id, SERIES_DESCRIPTIONS[kind]]),
  );
  return stringify([['study_id', 'series_id', 'series_description'], ...rows]);
}

function truth(records: readonly StudyRecord[]): string {
  const rows = records.flatMap((record) =>
    record.targets.map(({ name, narrowing, severity }) => [
      `${record.study}_${name}`,
      narrowing.toFixed(6),
      SEVERITY_LABELS[severity],
    ]),
  );
  return stringify([['row_id', 'narrowing', 'severity'], ...rows]);
}
