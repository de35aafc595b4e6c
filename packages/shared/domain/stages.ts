/**
 * The one list of the pipeline's stages and steps.
 *
 * A stage is a queue with its own pool of workers. A step is the part of a stage that writes one stage output. Queues,
 * job payloads, progress counts, metric labels, bundle pins, plans, views and the workers that `spineline score` starts
 * derive from this list. How to add a stage: docs/adding.md, "A stage".
 */

interface StageEntry {
  /** The number in `bundle.json`, in `--stage 2` and in texts. */
  readonly number: number;
  /** What the stage finds, in one word. */
  readonly title: string;
  /** The steps of earlier stages whose outputs a job of this stage names, in the order in which a study passes them. */
  readonly receives: readonly string[];
  /** The steps of this stage, in the order in which a study passes them. */
  readonly steps: readonly string[];
}

/** The stages, in the order in which a study passes them. */
export const STAGES = {
  stage1: { number: 1, title: 'slices', receives: [], steps: ['stage1'] },
  stage2: { number: 2, title: 'points', receives: ['stage1'], steps: ['xy', 'crops'] },
  stage3: { number: 3, title: 'severities', receives: ['stage1', 'xy', 'crops'], steps: ['stage3'] },
} as const satisfies Readonly<Record<string, StageEntry>>;

/** A stage: the name of its queue, of its worker (`worker-stage1`) and of its pin in `run.json`. */
export type Stage = keyof typeof STAGES;
export type StageNumber = (typeof STAGES)[Stage]['number'];
export type NumberOfStage<S extends Stage> = (typeof STAGES)[S]['number'];
/** The steps whose outputs a job of the stage names. */
export type ReceivedStep<S extends Stage> = (typeof STAGES)[S]['receives'][number];

/** The steps of all stages, by name. */
type AnyStep = (typeof STAGES)[Stage]['steps'][number];

interface StepEntry {
  /** The folder of its outputs in the store: `stages/<output>/<key>/`. */
  readonly output: string;
  /** What it makes, in one word. */
  readonly title: string;
  /**
   * Version of what the step computes and how it writes it, part of every stage key. Raise it when the code computes
   * something else from the same inputs; otherwise old outputs are served as new ones.
   */
  readonly contract: number;
}

/**
 * The steps, in the order in which a study passes them.
 *
 * Contract 2 of the first three: slices are turned to the canonical orientation, padding does not count as tissue, and
 * the kind of a series is found from its header. Contract 3 of the crops and 2 of the severities: crops are stored
 * before they are resized, in 12 bits. Then each was raised by one: pixels are normalised in float32.
 */
export const STEPS = {
  stage1: { output: 'stage1', title: 'slices', contract: 3 },
  xy: { output: 'stage2-xy', title: 'points', contract: 3 },
  crops: { output: 'stage2-crops', title: 'crops', contract: 4 },
  stage3: { output: 'stage3', title: 'severities', contract: 3 },
} as const satisfies Readonly<Record<AnyStep, StepEntry>>;

export type Step = keyof typeof STEPS;
/** A kind of stage output, as the folders of the store name it. */
export type OutputName = (typeof STEPS)[Step]['output'];

export const STAGE_NAMES = Object.keys(STAGES) as readonly Stage[] as readonly [Stage, ...Stage[]];
export const STEP_NAMES = Object.keys(STEPS) as readonly Step[];
export const OUTPUT_NAMES = STEP_NAMES.map((step) => STEPS[step].output) as readonly OutputName[] as readonly [
  OutputName,
  ...OutputName[],
];
export const STAGE_NUMBERS: readonly StageNumber[] = STAGE_NAMES.map((stage) => STAGES[stage].number);

/** The contract of each kind of stage output. */
export const CONTRACTS = Object.fromEntries(
  STEP_NAMES.map((step) => [STEPS[step].output, STEPS[step].contract]),
) as Readonly<Record<OutputName, number>>;

/** The stage at which a study enters, unless a run says otherwise. */
export const FIRST_STAGE = STAGE_NAMES[0];
/** The stage that writes a study's result. */
export const LAST_STAGE = STAGE_NAMES.at(-1)!;

/** The stage with a number; `undefined` if no stage has it. */
export function stageOfNumber(number: number): Stage | undefined {
  return STAGE_NAMES.find((stage) => STAGES[stage].number === number);
}

/** The stage that a step belongs to. */
function stageOfStep(step: Step): Stage {
  return STAGE_NAMES.find((stage) => (STAGES[stage].steps as readonly Step[]).includes(step))!;
}

/** `2 points`: the step's stage and what it makes, for tables. */
export function stepLabel(step: Step): string {
  return `${STAGES[stageOfStep(step)].number} ${STEPS[step].title}`;
}

/** `2 points`: the stage and what it finds, for tables. */
export function stageLabel(stage: Stage): string {
  return `${STAGES[stage].number} ${STAGES[stage].title}`;
}

/** One value per stage, in the order of the stages. */
export function perStage<T>(make: (stage: Stage, place: number) => T): Record<Stage, T> {
  return Object.fromEntries(STAGE_NAMES.map((stage, place) => [stage, make(stage, place)])) as Record<Stage, T>;
}

/** One value per step, in the order of the steps. */
export function perStep<T>(make: (step: Step) => T): Record<Step, T> {
  return Object.fromEntries(STEP_NAMES.map((step) => [step, make(step)])) as Record<Step, T>;
}
