import { redactUrl } from '../core/redact.ts';
import type { ConfigDocument } from './document.ts';
import { withoutReferences } from './expand.ts';
import type { FileConfig } from './schema/file.ts';

/** Whether a secret is written out in the file itself: one that `${…}` takes from the environment is not. */
export function holdsSecret(config: FileConfig, document: ConfigDocument): boolean {
  const database = withoutReferences(document.place(['database'])?.written ?? '');
  // a password that is wholly a reference leaves `user:@host` behind
  const bare = database.replace(/:@/, '@').replace(/=(?=&|$)/g, '');
  if (redactUrl(bare) !== bare || holdsSigningKey(config, document)) return true;
  return Object.keys(config.backends ?? {}).some((name) => {
    const connection = document.place(['backends', name, 'connectionString'])?.written ?? '';
    return /(?:AccountKey|SharedAccessSignature)=[^;\s]/i.test(withoutReferences(connection));
  });
}

function holdsSigningKey({ serve }: FileConfig, document: ConfigDocument): boolean {
  const places = (serve?.signingKey ?? []).flatMap((_key, index) => [['serve', 'signingKey', index]]);
  return [['serve', 'signingKey'], ...places].some((path) => {
    return withoutReferences(document.place(path)?.written ?? '').trim() !== '';
  });
}
