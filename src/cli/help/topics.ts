/** Help that belongs to no single command: `asset-cli help <topic>`. */
export const TOPICS: Readonly<Record<string, { summary: string; text: string }>> = {
  'exit-codes': {
    summary: 'what the exit status tells a script',
    text: `Exit status
    0  done (a filter that matches nothing included)
    1  unexpected failure: a bug
    2  usage: bad option or argument, no such path, ambiguous id, confirmation missing
    3  will never work as configured: configuration, credentials, no such store or
       database, a newer schema, another catalog's store
    4  no such asset (or none that you may see), or expired
    5  not permitted, or a read-only database or store
    6  content refused: empty, too large, unreadable, type not allowed, content does
       not match its name
    7  virus found
    8  may work later: network, timeout, lock, full disk, database away, expired
       credentials; a deleted asset whose bytes could not be removed yet
    9  several items, and some failed: "failed" in the summary names each
   10  integrity: bytes missing or not matching their record, a corrupt database
   11  conflict: target exists, the state changed meanwhile, a file changed while read,
       --max-delete exceeded
  130  interrupted by SIGINT (Ctrl-C); 143 by SIGTERM

One item: its code. Several that all failed with one code: that code. Otherwise 130, 1,
7, 10 in this order if one of them occurred, else 9 (also when some went well).
`,
  },
  formats: {
    summary: 'text, json, jsonl, csv and prometheus',
    text: `Output formats
  text   for people: tables that fit the terminal; in a pipe nothing is cut
  json   exactly one JSON document, written as it grows
  jsonl  one JSON value a line, as it happens
  csv    list and audit: cells that a spreadsheet would run as formulas are guarded
  prometheus
         stats: for a node exporter's textfile collector

Results go to stdout, everything else to stderr. With json and jsonl an error is one JSON
value on stderr: {"error":{"code":"ASSET_NOT_FOUND","message":"…","hint":"…","details":{…}}}
`,
  },
};
