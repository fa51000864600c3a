import type { AuditEvent } from '../../catalog/catalog.ts';
import { jsonText } from './json.ts';
import type { ItemShape } from './sink.ts';

/** Audit events in every format. */
export const EVENT_SHAPE: ItemShape<AuditEvent> = {
  listName: 'events',
  toJson: eventJson,
  columns: [
    {
      header: 'TIME (UTC)',
      value: (event) => event.time.slice(0, 19).replace('T', ' '),
      width: 19,
      short: { below: 56, width: 11, value: (event) => event.time.slice(5, 16).replace('T', ' ') },
    },
    { header: 'ACTOR', value: (event) => event.actor ?? '-', width: 12, from: 70 },
    { header: 'ACTION', value: (event) => event.action, width: 10 },
    { header: 'OUTCOME', value: (event) => event.outcome, width: 8 },
    {
      header: 'ASSET',
      value: (event) => event.assetId ?? '-',
      width: 36,
      from: 90,
      short: { below: 150, width: 8, value: (event) => event.assetId?.slice(0, 8) ?? '-' },
    },
    { header: 'DETAILS', value: describeDetails, width: 12, from: 48, flexible: true },
  ],
  csv: {
    header: [
      'id',
      'time',
      'actor',
      'organizationId',
      'action',
      'assetId',
      'outcome',
      'host',
      'correlationId',
      'details',
    ],
    row: (event) => {
      const { id, time, actor, organizationId, action, assetId, outcome, host, correlationId, details } = event;
      return [id, time, actor, organizationId, action, assetId, outcome, host, correlationId, jsonText(details)];
    },
  },
};

function eventJson(event: AuditEvent): object {
  const { id, time, actor, organizationId, action, assetId, outcome, host, correlationId, details } = event;
  return { id, time, actor, organizationId, action, assetId, outcome, host, correlationId, details };
}

function describeDetails(event: AuditEvent): string {
  const facts = Object.entries(event.details).filter(([, value]) => value !== null && value !== undefined);
  return facts.map(([name, value]) => `${name}=${typeof value === 'string' ? value : jsonText(value)}`).join(' ');
}
