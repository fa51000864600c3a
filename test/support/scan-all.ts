/** Everything of the organisation, whatever is known of it. */
export const SCAN_ALL = {
  selection: {
    kind: 'filter',
    scope: { organization: 'acme' },
    filter: { status: 'any', expired: 'include' },
    which: 'all',
    everything: true,
  },
  onInfected: 'quarantine',
  concurrency: 4,
} as const;
