/** A Dockerfile as far as the tests need it: its stages, and what a stage inherits. */

export interface Instruction {
  readonly keyword: string;
  readonly rest: string;
}

export interface Stage {
  readonly name: string;
  /** What it stands on, arguments filled in: an earlier stage or an image. */
  readonly from: string;
  /** Without its FROM. */
  readonly instructions: readonly Instruction[];
}

export function parseDockerfile(text: string): readonly Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const globals = new Map<string, string>();
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, keyword = '', rest = ''] = /^\s*(\S+)\s*(.*)$/.exec(line) ?? [];
    const current = stages.at(-1);
    if (keyword === 'FROM') {
      const [, from = '', name = ''] = /^(?:--\S+\s+)*(\S+)(?:\s+[Aa][Ss]\s+(\S+))?/.exec(rest) ?? [];
      stages.push({ name, from: filled(from, globals), instructions: [] });
    } else if (current) current.instructions.push({ keyword, rest });
    else if (keyword === 'ARG') {
      const [name = '', value = ''] = rest.split('=');
      globals.set(name, filled(value, globals));
    }
  }
  return stages;
}

function filled(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => values.get(name) ?? '');
}

/** The stage and those that it stands on, nearest first. @throws {Error} if there is no such stage. */
function ancestry(stages: readonly Stage[], name: string): readonly Stage[] {
  const stage = stages.find((one) => one.name === name);
  if (!stage) throw new Error(`no stage is called ${name}`);
  return [stage, ...(stages.some((one) => one.name === stage.from) ? ancestry(stages, stage.from) : [])];
}

/** What an instruction of which the last one counts is in the end, such as USER. */
export function effective(stages: readonly Stage[], name: string, keyword: string): string | undefined {
  for (const { instructions } of ancestry(stages, name)) {
    const last = instructions.findLast((one) => one.keyword === keyword);
    if (last) return last.rest;
  }
  return undefined;
}

/** CMD or ENTRYPOINT as its words. */
export function words(stages: readonly Stage[], name: string, keyword: 'CMD' | 'ENTRYPOINT'): readonly string[] {
  return JSON.parse(effective(stages, name, keyword) ?? '[]') as string[];
}

/** The words of the health check; undefined without one. */
export function healthcheck(stages: readonly Stage[], name: string): readonly string[] | undefined {
  const [, command] = /CMD\s+(\[.*\])$/.exec(effective(stages, name, 'HEALTHCHECK') ?? '') ?? [];
  return command === undefined ? undefined : (JSON.parse(command) as string[]);
}

/** ENV, all of it. */
export function environmentOf(stages: readonly Stage[], name: string): Readonly<Record<string, string>> {
  const all = ancestry(stages, name)
    .toReversed()
    .flatMap(({ instructions }) => instructions)
    .filter(({ keyword }) => keyword === 'ENV')
    .flatMap(({ rest }) => [...rest.matchAll(/(\w+)=(\S+)/g)]);
  return Object.fromEntries(all.map(([, key, value]) => [key!, value!]));
}

/** An image with a tag that is a version, or a digest. */
export function isPinned(image: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(image) || /^[^@]+:v?\d[\w.-]*$/.test(image);
}
