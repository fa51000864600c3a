const LONGEST_FILENAME = 255;
// Device names on Windows, with any extension (Microsoft, "Naming Files, Paths, and Namespaces").
const DEVICE_NAME = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to go
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069/\\:*?"<>|]/g;

/**
 * Turns whatever an original file name says into the name of one file inside a directory, on every
 * platform: no separators, control or bidirectional characters, device names, dots at either end
 * alone, and at most 255 bytes. The extension survives the cut.
 */
export function safeFilename(original: string): string {
  const cleaned = original
    .toWellFormed()
    .replace(FORBIDDEN, '_')
    .replace(/[. ]+$/, '')
    .trimStart();
  const named = cleaned === '' ? 'unnamed' : cleaned;
  return shorten(DEVICE_NAME.test(named) ? `_${named}` : named, '');
}

/** `report.pdf` with ` (1f0c2a9b)` becomes `report (1f0c2a9b).pdf`. */
export function insertBeforeExtension(filename: string, suffix: string): string {
  return shorten(filename, suffix);
}

function shorten(filename: string, suffix: string): string {
  const dot = filename.lastIndexOf('.');
  const hasExtension = dot > 0 && filename.length - dot <= 17;
  const extension = hasExtension ? filename.slice(dot) : '';
  let stem = hasExtension ? filename.slice(0, dot) : filename;
  while (Buffer.byteLength(`${stem}${suffix}${extension}`) > LONGEST_FILENAME) {
    stem = Array.from(stem).slice(0, -1).join('');
  }
  return `${stem}${suffix}${extension}`;
}
