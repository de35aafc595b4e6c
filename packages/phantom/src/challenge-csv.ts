/**
 * The tables of a dataset in the challenge's layout, and two tables of truth: `truth.csv` with the exact narrowing and
 * place of every target, and `truth_coordinates.csv` with the exact places of the labelled targets in the format of
 * `train_label_coordinates.csv`, row for row.
 */

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
import type { StudyPoint, StudyRecord } from './study.ts';

/** Names of the columns for studies and series. */
interface IdColumns {
  readonly study: string;
  readonly series: string;
}
const CHALLENGE_IDS: IdColumns = { study: 'study_id', series: 'series_id' };

/** File name -> text of every table of a dataset; rows in the order of the records. */
export function challengeTables(
  records: readonly StudyRecord[],
  ids: IdColumns = CHALLENGE_IDS,
): Record<string, string> {
  const descriptions = seriesDescriptions(records, ids);
  return {
    'train.csv': trainTable(records, ids),
    'train_label_coordinates.csv': coordinates(records, ids, ({ points }) => points),
    'train_series_descriptions.csv': descriptions,
    'test_series_descriptions.csv': descriptions,
    'truth.csv': truth(records, ids),
    'truth_coordinates.csv': coordinates(records, ids, placesOfLabelled),
  };
}

/** The challenge's column order: by condition without its side, then side, then level. */
const COLUMNS = TASKS.flatMap((task) =>
  [undefined, 'left', 'right'].flatMap((side) =>
    LEVELS.flatMap((level) => TARGETS.filter((one) => one.task === task && one.side === side && one.level === level)),
  ),
);

function trainTable(records: readonly StudyRecord[], ids: IdColumns): string {
  const rows = records.map((record) => {
    const targets = new Map(record.targets.map((target) => [target.name, target]));
    const grades = COLUMNS.map(({ name }) => {
      const target = targets.get(name)!;
      return target.labelled ? SEVERITY_LABELS[target.severity] : '';
    });
    return [record.study, ...grades];
  });
  return stringify([[ids.study, ...COLUMNS.map((target) => target.name)], ...rows]);
}

/** The exact places of the labelled targets, in the order of the annotator's points. */
function placesOfLabelled({ targets, points }: StudyRecord): StudyPoint[] {
  const places = new Map(targets.map(({ name, place }) => [name, place]));
  return points.map(({ name }) => places.get(name)!);
}

function coordinates(
  records: readonly StudyRecord[],
  ids: IdColumns,
  pointsOf: (record: StudyRecord) => readonly StudyPoint[],
): string {
  const rows = records.flatMap((record) =>
    pointsOf(record).map((point) => {
      const target = targetOfName(point.name)!;
      const place = [conditionLabel(target.condition), levelLabel(target.level)];
      return [record.study, point.seriesId, point.instance, ...place, point.x.toFixed(6), point.y.toFixed(6)];
    }),
  );
  return stringify([[ids.study, ids.series, 'instance_number', 'condition', 'level', 'x', 'y'], ...rows]);
}

function seriesDescriptions(records: readonly StudyRecord[], ids: IdColumns): string {
  const rows = records.flatMap((record) =>
    record.series.map(({ id, kind }) => [record.study, id, SERIES_DESCRIPTIONS[kind]]),
  );
  return stringify([[ids.study, ids.series, 'series_description'], ...rows]);
}

function truth(records: readonly StudyRecord[], ids: IdColumns): string {
  const rows = records.flatMap((record) =>
    record.targets.map(({ name, narrowing, severity, place }) => [
      `${record.study}_${name}`,
      narrowing.toFixed(6),
      SEVERITY_LABELS[severity],
      ...(place ? [place.seriesId, place.instance, place.x.toFixed(6), place.y.toFixed(6)] : ['', '', '', '']),
    ]),
  );
  return stringify([['row_id', 'narrowing', 'severity', ids.series, 'instance_number', 'x', 'y'], ...rows]);
}
