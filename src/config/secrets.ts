import { redactUrl } from '../core/redact.ts';
import type { ConfigDocument } from './document.ts';
import { withoutReferences } from './expand.ts';
import type { FileConfig } from './schema/file.ts';

/** Whether a secret is written out in the file itself: one that `${…}` takes from the environment is not. */
export function holdsSecret(config: FileConfig, document: ConfigDocument): boolean {
  const database = withoutReferences(document.place(['database'])?.written ?? '');
  // a password that is wholly a reference leaves `user:@host` behind
  const bare = database.replace(/:@/, '@').replace(/=(?=&|$)/g, '');
  if (redactUrl(bare) !== bare) return true;
  return Object.keys(config.backends ?? {}).some((name) => {
    const connection = document.place(['backends', name, 'connectionString'])?.written ?? '';
    return /(?:AccountKey|SharedAccessSignature)=[^;\s]/i.test(withoutReferences(connection));
  });
}
