import type { CatalogStatistics } from '../../catalog/catalog.ts';

interface Metric {
  name: string;
  help: string;
  samples: { labels: Readonly<Record<string, string>>; value: number }[];
}

/** The text format 0.0.4 of Prometheus, for a node exporter's textfile collector. */
export function toPrometheus(statistics: CatalogStatistics): string {
  return metricsOf(statistics).map(renderMetric).join('');
}

function metricsOf(statistics: CatalogStatistics): Metric[] {
  const { assets, objects, expired, expiring, deduplicated, compressed } = statistics;
  const assetLabels = assets.map(({ organizationId, assetType, backend, status, scanStatus }) => ({
    organization: organizationId,
    type: assetType,
    backend,
    status,
    scan_status: scanStatus,
  }));
  const objectLabels = objects.map(({ backend, state }) => ({ backend, state }));
  const horizons = expiring.map(({ days }) => ({ days: String(days) }));
  const gauges = (labels: readonly Readonly<Record<string, string>>[], values: readonly number[]) =>
    labels.map((each, index) => ({ labels: each, value: values[index] ?? 0 }));
  return [
    {
      name: 'asset_cli_assets',
      help: 'Assets in the catalog.',
      samples: gauges(assetLabels, counts(assets)),
    },
    {
      name: 'asset_cli_asset_bytes',
      help: 'Content of these assets.',
      samples: gauges(assetLabels, bytes(assets)),
    },
    {
      name: 'asset_cli_objects',
      help: 'Stored copies of bytes.',
      samples: gauges(objectLabels, counts(objects)),
    },
    {
      name: 'asset_cli_object_bytes',
      help: 'Bytes of these copies as they are stored.',
      samples: gauges(objectLabels, bytes(objects)),
    },
    { name: 'asset_cli_expired_assets', help: 'Assets past their expiry.', samples: gauges([{}], [expired.count]) },
    { name: 'asset_cli_expired_bytes', help: 'Content of these assets.', samples: gauges([{}], [expired.bytes]) },
    {
      name: 'asset_cli_expiring_assets',
      help: 'Assets that expire within so many days.',
      samples: gauges(horizons, counts(expiring)),
    },
    {
      name: 'asset_cli_expiring_bytes',
      help: 'Content of these assets.',
      samples: gauges(horizons, bytes(expiring)),
    },
    {
      name: 'asset_cli_deduplicated_assets',
      help: 'Assets that share the bytes of others.',
      samples: gauges([{}], [deduplicated.count]),
    },
    {
      name: 'asset_cli_deduplicated_bytes',
      help: 'Bytes that this saves.',
      samples: gauges([{}], [deduplicated.bytes]),
    },
    {
      name: 'asset_cli_compressed_objects',
      help: 'Objects that are stored as gzip.',
      samples: gauges([{}], [compressed.count]),
    },
    {
      name: 'asset_cli_compression_saved_bytes',
      help: 'Bytes that these take less than their content.',
      samples: gauges([{}], [compressed.bytes]),
    },
  ];
}

function counts(stats: readonly { count: number }[]): number[] {
  return stats.map(({ count }) => count);
}

function bytes(stats: readonly { bytes: number }[]): number[] {
  return stats.map((each) => each.bytes);
}

function renderMetric({ name, help, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => `${name}${renderLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Backslash, quote and line feed, as the format wants them. */
function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
