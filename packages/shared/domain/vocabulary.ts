/**
 * The fixed words of the field: kinds of series, levels, conditions, severities, and the 25 targets of a study.
 * Source: the RSNA 2024 Lumbar Spine Degenerative Classification challenge's data description.
 */

/** A kind of series, in the order in which stages read them. */
export const KINDS = ['sagittal_t2', 'sagittal_t1', 'axial_t2'] as const;
export type Kind = (typeof KINDS)[number];

/** The challenge's `series_description` of each kind. */
export const SERIES_DESCRIPTIONS: Readonly<Record<Kind, string>> = {
  sagittal_t2: 'Sagittal T2/STIR',
  sagittal_t1: 'Sagittal T1',
  axial_t2: 'Axial T2',
};

/** The kind that a challenge `series_description` names, or `undefined` for any other text. */
export function kindOfDescription(description: string): Kind | undefined {
  const wanted = description.trim().toLowerCase();
  return KINDS.find((kind) => SERIES_DESCRIPTIONS[kind].toLowerCase() === wanted);
}

/** Disc levels from the head down; the index into this array is the level's place in every model output. */
export const LEVELS = ['l1_l2', 'l2_l3', 'l3_l4', 'l4_l5', 'l5_s1'] as const;
export type Level = (typeof LEVELS)[number];

/** `l1_l2` as the challenge's coordinate labels write it: `L1/L2`. */
export function levelLabel(level: Level): string {
  return level.toUpperCase().replace('_', '/');
}

/** Patient sides; left comes first in every model output that has both. */
export const SIDES = ['left', 'right'] as const;
export type Side = (typeof SIDES)[number];

/** A condition without its side: spinal canal stenosis, neural foraminal narrowing, subarticular stenosis. */
export const TASKS = ['scs', 'nfn', 'ss'] as const;
export type Task = (typeof TASKS)[number];

/** The challenge's five conditions, in alphabetical order, which is the order of the submission's rows. */
export const CONDITIONS = [
  'left_neural_foraminal_narrowing',
  'left_subarticular_stenosis',
  'right_neural_foraminal_narrowing',
  'right_subarticular_stenosis',
  'spinal_canal_stenosis',
] as const;
export type Condition = (typeof CONDITIONS)[number];

/** `left_subarticular_stenosis` as the challenge's coordinate labels write it: `Left Subarticular Stenosis`. */
export function conditionLabel(condition: Condition): string {
  return condition
    .split('_')
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join(' ');
}

/** Severities in model-output order. */
export const SEVERITIES = ['normal_mild', 'moderate', 'severe'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The challenge's `train.csv` words for the severities. */
export const SEVERITY_LABELS: Readonly<Record<Severity, string>> = {
  normal_mild: 'Normal/Mild',
  moderate: 'Moderate',
  severe: 'Severe',
};

/** One condition at one level. Each target gets a severity. */
export interface Target {
  readonly condition: Condition;
  readonly level: Level;
  readonly task: Task;
  /** `undefined` for spinal canal stenosis, which has no side. */
  readonly side: Side | undefined;
  /** `{condition}_{level}`: the target's name in `train.csv` and the tail of its `row_id`. */
  readonly name: string;
}

function targetOf(condition: Condition, level: Level): Target {
  const task: Task = condition === 'spinal_canal_stenosis' ? 'scs' : condition.includes('foraminal') ? 'nfn' : 'ss';
  const side = SIDES.find((candidate) => condition.startsWith(`${candidate}_`));
  return { condition, level, task, side, name: `${condition}_${level}` };
}

/** The 25 targets of a study in the submission's row order (alphabetical by name). */
export const TARGETS: readonly Target[] = CONDITIONS.flatMap((condition) =>
  LEVELS.map((level) => targetOf(condition, level)),
);

/** `row_id` of a target in the challenge's submission file. */
export function rowId(studyId: string, target: Target): string {
  return `${studyId}_${target.name}`;
}

const TARGETS_BY_NAME = new Map(TARGETS.map((target) => [target.name, target]));

/** The target called `{condition}_{level}`, or `undefined` for any other text. */
export function targetOfName(name: string): Target | undefined {
  return TARGETS_BY_NAME.get(name);
}
