/** What a PromQL expression is about, for tests that hold rules and dashboards against the metrics that there are. */

const STRING = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`/gs;
const COMMENT = /#.*$/gm;
const RANGE = /\[[^\]]*\]/g;
const MATCHERS = /\{[^{}]*\}/g;
/** Clauses whose parentheses hold labels. */
const LABELS = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)/gi;
/** A name by itself, not the end of `5m`, `$variable` or `1e3`, and not a function or an aggregation. */
const NAME = /(?<![\w:.$])[A-Za-z_:][\w:]*(?!\s*\(|[\w:])/g;
/** What stands alone and is no name; aggregations may have their clause between themselves and their parenthesis. */
const WORDS = new Set(
  (
    'and or unless atan2 bool offset inf nan group_left group_right by without on ignoring ' +
    'sum min max avg group stddev stdvar count count_values bottomk topk quantile'
  ).split(' '),
);

/** The names of the metrics in an expression, in order, each once: `a_sum`, `level:metric:operation`. */
export function metricNames(expression: string): string[] {
  const spelled = [...expression.matchAll(/__name__\s*=\s*"([^"]+)"/g)].map(([, name]) => name!);
  const bare = expression
    .replace(STRING, '""')
    .replace(COMMENT, '')
    .replace(MATCHERS, '')
    .replace(RANGE, '')
    .replace(LABELS, ' ');
  const names = [...bare.matchAll(NAME)].map(([name]) => name).filter((name) => !WORDS.has(name.toLowerCase()));
  return [...new Set([...names, ...spelled])];
}

/**
 * The metric that a series belongs to: `a` for `a_bucket`, `a_sum` and `a_count` of a histogram; undefined if there is none.
 *
 * @param metrics as a registry names them.
 */
export function metricOf(series: string, metrics: ReadonlySet<string>): string | undefined {
  return [series, series.replace(/_(?:bucket|sum|count)$/, '')].find((name) => metrics.has(name));
}
