/**
 * OpenTelemetry traces of studies, through the hook that BullMQ has for them. Off unless an endpoint is set; the SDK is
 * then not even loaded.
 *
 * The trace of a study begins when its page is enqueued, goes on when the page is unfolded, and follows its job at each
 * stage: each job carries the context of the job that added it. One page is one trace, so that a trace has at most a
 * few hundred studies, however large the run is.
 */

import type { Telemetry } from 'bullmq';

type Attributes = Readonly<Record<string, string | number>>;

export interface Traces {
  /** For BullMQ's queues and workers; `undefined` if traces are off. */
  readonly telemetry: Telemetry | undefined;
  /** Begins a trace. @returns the context that a job carries to be part of it; `undefined` if traces are off. */
  begin(name: string, attributes: Attributes): string | undefined;
  /** Runs `work` as a span. @param carried the context that the job carries. */
  span<T>(name: string, carried: string | undefined, attributes: Attributes, work: () => Promise<T>): Promise<T>;
  /** Adds attributes to the current span, such as that of a job. */
  annotate(attributes: Attributes): void;
  /** Sends what was not sent yet. Takes at most a few seconds. */
  close(): Promise<void>;
}

export const NO_TRACES: Traces = {
  telemetry: undefined,
  begin: () => undefined,
  span: (_name, _carried, _attributes, work) => work(),
  annotate: () => {},
  close: async () => {},
};

const SEND_MS = 5000;

/**
 * @param component name of the process: `worker-stage1` gets the `service.name` `spineline-worker-stage1`.
 * @param url OTLP/HTTP endpoint, such as `http://collector:4318/v1/traces`; `undefined`: no traces.
 */
export async function startTraces(component: string, url: string | undefined): Promise<Traces> {
  if (!url) return NO_TRACES;
  const [
    api,
    { NodeTracerProvider, BatchSpanProcessor },
    { OTLPTraceExporter },
    { resourceFromAttributes },
    bullmqOtel,
  ] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('bullmq-otel'),
  ]);
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: SEND_MS });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `spineline-${component}`, 'service.namespace': 'spineline' }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
  const telemetry = new bullmqOtel.BullMQOtel({ tracerName: 'spineline' });
  const tracer = api.trace.getTracer('spineline');
  return {
    telemetry,
    begin(name, attributes) {
      const span = tracer.startSpan(name, { kind: api.SpanKind.PRODUCER, root: true, attributes });
      span.end();
      return telemetry.contextManager.getMetadata(api.trace.setSpan(api.ROOT_CONTEXT, span));
    },
    span(name, carried, attributes, work) {
      const parent = carried ? telemetry.contextManager.fromMetadata(api.ROOT_CONTEXT, carried) : api.context.active();
      return tracer.startActiveSpan(name, { attributes }, parent, async (span) => {
        try {
          return await work();
        } catch (error) {
          span.recordException(error instanceof Error ? error : String(error));
          span.setStatus({ code: api.SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      });
    },
    annotate: (attributes) => void api.trace.getActiveSpan()?.setAttributes(attributes),
    close: () => provider.shutdown(),
  };
}
