const MASK = '***';
// Greedy up to the last @, so that a password with unescaped @, / or # goes as a whole.
const PASSWORD = /^([a-z][a-z0-9+.-]*:\/\/[^:/?#@]*):.*@/is;
const SECRET_PARAMETERS =
  /([?&](?:password|sslpassword|sig|signature|token|sas|x-amz-signature|x-amz-security-token|x-goog-signature|awsaccesskeyid|key)=)[^&#\s]*/gi;

/** An URL for messages and logs: password, signature and token masked, also where the URL is malformed. */
export function redactUrl(url: string): string {
  return url.replace(PASSWORD, `$1:${MASK}@`).replace(SECRET_PARAMETERS, `$1${MASK}`);
}

// Without quotes and backslashes, so that redacted JSON stays JSON.
const URL_IN_TEXT = /[a-z][a-z0-9+.-]*:\/\/[^\s'"`<>\\]+/gi;
const ACCOUNT_KEY = /\b(AccountKey|SharedAccessSignature)=[^;\s'"\\]+/gi;

const TOKEN = /astk_[A-Za-z0-9_-]{8,}/g;

/** Text of any origin, such as a library's error: secrets masked in every URL and connection string in it, and tokens. */
export function redactText(text: string): string {
  // Most text has no URL, and the search for the beginning of one looks at every letter.
  const withoutUrls = text.includes('://') ? text.replace(URL_IN_TEXT, redactUrl) : text;
  return withoutUrls.replace(ACCOUNT_KEY, `$1=${MASK}`).replace(TOKEN, `astk_${MASK}`);
}
