const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Counts requests by route; a route's pattern, never a path, so that their number is bounded. */
export interface Metrics {
  begin(): void;
  end(request: { method: string; route: string; status: number; seconds: number }): void;
  addBytes(direction: 'received' | 'sent', bytes: number): void;
  /** In the text format of Prometheus. */
  render(): string;
}

interface Series {
  labels: string;
  count: number;
  seconds: number;
  buckets: number[];
}

export function createMetrics(): Metrics {
  const requests = new Map<string, number>();
  const durations = new Map<string, Series>();
  const bytes = { received: 0, sent: 0 };
  let underWay = 0;
  return {
    begin() {
      underWay += 1;
    },
    end({ method, route, status, seconds }) {
      underWay -= 1;
      const counted = `method="${method}",route="${route}",status="${status}"`;
      requests.set(counted, (requests.get(counted) ?? 0) + 1);
      const labels = `method="${method}",route="${route}"`;
      const series = durations.get(labels) ?? { labels, count: 0, seconds: 0, buckets: BUCKETS.map(() => 0) };
      durations.set(labels, series);
      series.count += 1;
      series.seconds += seconds;
      const bucket = BUCKETS.findIndex((limit) => seconds <= limit);
      if (bucket !== -1) series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
    },
    addBytes(direction, count) {
      bytes[direction] += count;
    },
    render: () =>
      [
        ...metric('asset_cli_http_requests_total', 'counter', 'Requests answered.', counterLines(requests)),
        ...metric('asset_cli_http_requests_in_flight', 'gauge', 'Requests under way.', [['', '', underWay]]),
        ...metric('asset_cli_http_request_duration_seconds', 'histogram', 'From the request line to the last byte.', [
          ...[...durations.values()].flatMap(histogramLines),
        ]),
        ...metric('asset_cli_http_received_bytes_total', 'counter', 'Bytes of uploaded files.', [
          ['', '', bytes.received],
        ]),
        ...metric('asset_cli_http_sent_bytes_total', 'counter', 'Bytes of files handed out.', [['', '', bytes.sent]]),
        ...metric('process_resident_memory_bytes', 'gauge', 'Resident memory.', [['', '', process.memoryUsage.rss()]]),
        ...metric('process_uptime_seconds', 'gauge', 'Since the start.', [['', '', Math.round(process.uptime())]]),
        '',
      ].join('\n'),
  };
}

/** Suffix of the name, labels, value. */
type Line = readonly [suffix: string, labels: string, value: number];

function metric(name: string, type: string, help: string, lines: readonly Line[]): string[] {
  const values = lines.map(
    ([suffix, labels, value]) => `${name}${suffix}${labels === '' ? '' : `{${labels}}`} ${value}`,
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...values];
}

function counterLines(counts: ReadonlyMap<string, number>): Line[] {
  return [...counts].map(([labels, count]) => ['', labels, count]);
}

function histogramLines({ labels, count, seconds, buckets }: Series): Line[] {
  let sum = 0;
  const cumulative = BUCKETS.map((limit, index): Line => {
    sum += buckets[index] ?? 0;
    return ['_bucket', `${labels},le="${limit}"`, sum];
  });
  return [
    ...cumulative,
    ['_bucket', `${labels},le="+Inf"`, count],
    ['_sum', labels, seconds],
    ['_count', labels, count],
  ];
}
