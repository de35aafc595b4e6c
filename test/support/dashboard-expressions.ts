/** What the panels of a dashboard ask Prometheus, with Grafana's variables filled in, for whoever has no Grafana. */

/** As much of a dashboard's JSON as is read here. */
export interface DashboardJson {
  readonly panels?: readonly PanelJson[];
  readonly templating?: { readonly list?: readonly VariableJson[] };
}
export interface PanelJson {
  readonly title?: string;
  readonly panels?: readonly PanelJson[];
  readonly targets?: readonly { readonly refId?: string; readonly expr?: string }[];
}
interface VariableJson {
  readonly name: string;
  readonly type: string;
  readonly query?: unknown;
}

export interface PanelExpression {
  /** The panel's title; of a variable `variable NAME`. */
  readonly panel: string;
  readonly refId: string;
  /** Can be sent to /api/v1/query as it is. */
  readonly expr: string;
  /** Why an answer without series is right at times. */
  readonly mayBeEmpty?: string | undefined;
}

/** Panels whose answer may be empty though all is well, and when. `TITLE/REFID` is one query of a panel. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  Finish: 'nothing was finished in the last 15 minutes, or the run was over when it was first seen',
  Deadline: 'the run has no deadline',
  'Spare time': 'the run has no deadline, or its finish is not known',
  'Failures by reason': 'no study failed',
  'Flags by code': 'no result has a flag',
  'Reused outputs': 'every output was computed',
  'Models in use': 'no worker has loaded a model yet',
  'Last job taken': 'no worker has taken a job yet',
  'Time left': 'studies are left and none was finished in the last 15 minutes',
  'GPU utilisation': 'no worker has a GPU',
  'GPU memory': 'no worker has a GPU',
  'Redis memory, of its limit': 'Redis has no limit of memory',
  'Redis memory/B': 'Redis has no limit of memory',
};

/** What Grafana itself fills in, for the last hour. */
const BUILT_IN = { __rate_interval: '5m', __interval: '15s', __range: '1h' };

/**
 * Every query of every panel, and of the variables that ask Prometheus.
 *
 * @param variables values by name, such as `{ run: 'tonight', stage: 'stage1|stage2' }`; those of `__range` and its like
 *   have defaults.
 * @throws {Error} if an expression has a variable without a value, or a variable asks for what is no expression.
 */
export function panelExpressions(
  dashboard: DashboardJson,
  variables: Readonly<Record<string, string>>,
): PanelExpression[] {
  const values: Readonly<Record<string, string>> = { ...BUILT_IN, ...variables };
  const fill = (text: string) =>
    // A name begins with a letter or underscore: $1 belongs to label_replace.
    text.replace(/\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g, (variable, braced, bare) => {
      const value = values[braced ?? bare];
      if (value === undefined) throw new Error(`no value for ${variable} in ${text}`);
      return value;
    });

  const ofPanels = (panels: readonly PanelJson[]): PanelExpression[] =>
    panels.flatMap(({ title = '', targets = [], panels: inner = [] }) => [
      ...targets.flatMap(({ refId = 'A', expr }) => {
        const mayBeEmpty = MAY_BE_EMPTY[title] ?? MAY_BE_EMPTY[`${title}/${refId}`];
        return expr === undefined ? [] : [{ panel: title, refId, expr: fill(expr), mayBeEmpty }];
      }),
      ...ofPanels(inner),
    ]);
  const ofVariables = (dashboard.templating?.list ?? []).flatMap(({ name, type, query }) => {
    if (type !== 'query') return [];
    const expr = /^query_result\((.*)\)$/s.exec(String(query))?.[1];
    if (!expr) throw new Error(`the variable ${name} asks for something other than query_result(...): ${query}`);
    return [{ panel: `variable ${name}`, refId: 'A', expr: fill(expr) }];
  });
  return [...ofVariables, ...ofPanels(dashboard.panels ?? [])];
}
