import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { AssetError } from '../../src/core/errors.ts';
import { createDesk } from '../support/settings.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/config/hostile');
const SECRET = 'sesame-from-the-environment';

/** What each file in fixtures/config/hostile is refused for: `line:column`, message, and where it matters the hint. */
const refusals: Record<string, [place: string, message: RegExp, hint?: RegExp]> = {
  'alias-bomb.yaml': ['2:8', /b\[0\] is an alias/],
  'alias-of-itself.yaml': ['2:6', /backends\.a is an alias/],
  'alias.yaml': ['3:6', /backends\.b is an alias/],
  'array.json': ['1:1', /not a mapping/],
  'bad-asset-type.yaml': ['1:23', /assetTypes\[1\] "invoice" is not an asset type/],
  'bad-backend-name.yaml': ['2:3', /"my store" is not a valid name/],
  'bad-database.yaml': ['1:11', /database is not a database url/, /Valid: sqlite, postgres, postgresql/],
  'bad-duration.yaml': ['2:12', /timeouts\.connect "10 seconds" is not a duration/],
  'bad-endpoint.yaml': ['2:50', /backends\.s\.endpoint is not an endpoint/],
  'bad-indentation.yaml': ['3:1', /indentation/],
  'bad-mime-type.yaml': ['4:7', /allowedMimeTypes\[1\] "image\/\*" is not a MIME type/],
  'bad-organization.yaml': ['1:27', /identity\.organization "\.\.\/acme" is not a valid organization id/],
  'bad-prefix.yaml': ['2:48', /backends\.s\.prefix "a\/\.\.\/b" is not a prefix/],
  'bad-port.yaml': ['1:24', /scan\.clamd\.port "70000" is not a port/, /1 to 65535/],
  'bad-role.yaml': ['1:19', /identity\.role "amdin" is unknown/, /Did you mean "admin"/],
  'bad-scan-mode.yaml': ['1:15', /scan\.mode "always" is unknown/, /auto/],
  'bad-size.yaml': ['1:24', /limits\.maxFileSize "50MX" is not a size/],
  'cdn-dot-segment.yaml': ['1:16', /cdn\.domain "cdn\.example\.com\/a\/\.\.\/b" is not a domain/],
  'cdn-port.yaml': ['1:16', /cdn\.domain .* is not a domain/],
  'clamd-twice.yaml': ['1:16', /scan\.clamd names both a socket and an address/],
  'bare-word.json': ['1:15', /not JSON/],
  'comment.json': ['2:3', /not JSON/],
  'constructor-key.yaml': ['1:1', /unknown key "constructor"/],
  'cut.json': ['2:1', /./],
  'database-in-memory.yaml': ['1:11', /database is not/, /Name a file/],
  'duplicate-backend.yaml': ['3:3', /backends\.a is there twice/],
  'duplicate-key.json': ['2:3', /database is there twice/],
  'duplicate-key.yaml': ['3:1', /database is there twice/],
  'duration-too-long.yaml': ['1:23', /"52w" is not a duration from 1s to 1d/],
  'duration-without-unit.yaml': ['1:23', /timeouts\.deadline must be text/, /unit/],
  'empty-bucket.yaml': ['4:5', /backends\.reports\.bucket is missing/],
  'empty-path.yaml': ['2:37', /backends\.reports\.path "" is not a path/],
  'endpoint-with-password.yaml': ['2:50', /endpoint is not an endpoint/, /without user, password/],
  'fractional-size.yaml': ['1:24', /"1\.5" is not a size/],
  'latin1.yaml': ['', /not UTF-8/],
  'list-as-key.yaml': ['1:3', /key is not a plain word/],
  'list-for-text.yaml': ['1:11', /database must be text/],
  'list.yaml': ['1:1', /not a mapping/],
  'malformed-database.yaml': ['1:11', /database is not/, /percent-encoded/],
  'malformed-variable.yaml': ['2:17', /identity\.organization has a \$\{/],
  'merge-key.yaml': ['3:7', /is an alias/],
  'missing-bucket.yaml': ['2:3', /backends\.reports\.bucket is missing/],
  'missing-provider.yaml': ['2:3', /backends\.reports\.provider is missing/, /LOCAL, AWS_S3/],
  'no-account.yaml': ['2:12', /backends\.archive names no storage account/],
  'no-mime-type.yaml': ['1:29', /allowedMimeTypes is empty/],
  'path-with-nul.yaml': ['2:37', /path "a\\u0000b" is not a path/],
  'prototype-key.yaml': ['2:3', /not a plain word/],
  'reserved-organization.yaml': ['1:27', /identity\.organization "public"/, /quarantine/],
  'same-directory.yaml': ['4:6', /backends\.b has the same directory as backends\.a/],
  'scalar.yaml': ['1:1', /not a mapping/],
  'secret-in-connection-string.yaml': ['5:23', /connectionString is not/],
  'secret-in-default-backend.yaml': ['1:17', /defaultBackend names a backend that is not defined/],
  'secret-in-duration.yaml': ['2:12', /"\$\{ASSET_CLI_TEST_SECRET\}" is not a duration/],
  'secret-in-wrong-value.yaml': ['2:9', /"\$\{ASSET_CLI_TEST_SECRET\}" is unknown/],
  'several-backends.yaml': ['2:3', /several backends/, /reports, archive/],
  'single-quotes.json': ['1:3', /not JSON/],
  'tab-indented.yaml': ['2:1', /tab/],
  'tag.yaml': ['1:11', /tag/],
  'text-for-list.yaml': ['2:21', /allowedMimeTypes must be a list/],
  'text-for-mapping.yaml': ['1:11', /backends must be a mapping/],
  'trailing-comma.json': ['2:28', /not JSON/],
  'two-documents.yaml': ['2:1', /second document/],
  'unclosed-bracket.yaml': ['2:1', /./],
  'unclosed-quote.yaml': ['2:1', /quotation mark/],
  'undefined-default-backend.yaml': ['1:17', /defaultBackend names/, /Did you mean "reports"/],
  'truth-of-every-object.yaml': ['2:56', /forcePathStyle "constructor" is neither true nor false/],
  'unknown-identity-key.yaml': ['1:13', /unknown key "organisation" in identity/, /Did you mean "organization"/],
  'unknown-key-of-another-provider.yaml': ['4:5', /unknown key "bucket" in backends\.local/, /Valid: provider, path\./],
  'unknown-key.json': ['3:5', /unknown key "maxFileSzie" in limits/, /Did you mean "maxFileSize"/],
  'unknown-key.yaml': ['3:1', /unknown key "databse"/, /Did you mean "database"/],
  'unknown-nested-key.yaml': ['4:5', /unknown key "bukcet" in backends\.reports/, /Did you mean "bucket"/],
  'unknown-profile.yaml': ['2:29', /images\.profiles names .* USER_AVATARS/, /Did you mean "USER_AVATAR"/],
  'unknown-provider.yaml': ['2:24', /provider "S3" is unknown/, /Did you mean "AWS_S3"/],
  'unknown-retention.yaml': ['1:26', /retention names .* EXPRT_FILE/, /Did you mean "EXPORT_FILE".*assetTypes/],
  'unset-variable.yaml': ['2:17', /names \$\{ASSET_CLI_TEST_UNSET\}, which is not set/],
  'wrong-type.yaml': ['2:9', /identity\.user must be text/, /quotes/],
  'yaml.json': ['1:1', /not JSON/],
  'zero-lease.yaml': ['1:21', /"0s" is not a duration/],
  'zero-size.yaml': ['1:24', /"0" is not a size/],
};

function load(file: string): Promise<unknown> {
  const env = { HOME: '/nonexistent', ASSET_CLI_TEST_SECRET: SECRET };
  return loadSettings({ flags: { config: file }, env, cwd: '/' });
}

test.each(Object.entries(refusals))('%s', async (name, [place, message, hint = /./]) => {
  const file = join(FOLDER, name);
  const error: unknown = await load(file).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AssetError);
  expect(error).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
    details: { file },
  });
  const text = error instanceof AssetError ? error.message : '';
  expect(text.startsWith(place === '' ? `${file}: ` : `${file}:${place}: `), text).toBe(true);
  expect(text).not.toContain('\n');
});

test.each(Object.keys(refusals))('%s gives away no secret', async (name) => {
  const error: unknown = await load(join(FOLDER, name)).catch((thrown: unknown) => thrown);
  const told = error instanceof AssetError ? `${error.message} ${error.hint} ${JSON.stringify(error.details)}` : '';
  expect(told).not.toMatch(/geheim/);
  expect(told).not.toContain(SECRET);
});

test('every file in the folder is in the table', async () => {
  expect((await readdir(FOLDER)).sort()).toEqual(Object.keys(refusals).sort());
});

test('all problems are in the details, in the order of the file', async () => {
  const text = ['identity: { rol: admin }', 'limits: { maxFileSize: -1 }', 'datbase: x'].join('\n');
  const desk = await createDesk();
  await desk.write('asset-cli.config.yaml', text);
  await expect(desk.load()).rejects.toMatchObject({
    message: expect.stringContaining('(and 2 more problems)'),
    details: {
      problems: [
        { line: 1, column: 13, key: 'identity.rol', nearest: 'role' },
        { line: 2, column: 24, key: 'limits.maxFileSize' },
        { line: 3, column: 1, key: 'datbase', nearest: 'database' },
      ],
    },
  });
});
