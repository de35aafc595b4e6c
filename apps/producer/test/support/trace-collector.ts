/** Takes OpenTelemetry traces over OTLP/HTTP as a collector does, and keeps the spans. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface CollectedSpan {
  /** `service.name` of the process. */
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly doubleValue?: number; readonly intValue?: number };
}

export async function startTraceCollector(): Promise<{
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  stop(): Promise<void>;
}> {
  const spans: CollectedSpan[] = [];
  const server = createServer(async (request, response) => {
    const { resourceSpans } = JSON.parse(await text(request)) as {
      resourceSpans: {
        resource: { attributes: Attribute[] };
        scopeSpans: { spans: { name: string; traceId: string; attributes: Attribute[] }[] }[];
      }[];
    };
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = String(valuesOf(resource.attributes)['service.name']);
      for (const { name, traceId, attributes } of scopeSpans.flatMap((scope) => scope.spans)) {
        spans.push({ service, name, traceId, attributes: valuesOf(attributes) });
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    stop: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function valuesOf(attributes: readonly Attribute[]): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.doubleValue ?? value.intValue ?? '']),
  );
}
