/** A type of content that names may claim. */
export interface KnownType {
  mimeType: string;
  /** Without dots; the first is the one that stored names get. */
  extensions: readonly string[];
  /** For messages: "is a PNG image". */
  label: string;
  /** Plain text whose kind only the name tells. */
  textByName?: true;
  /** Kept in the container of old Office documents, which does not tell its kind: the name does. */
  compoundFile?: true;
  /** Other types that content of such a name may turn out to be. */
  alsoAccepts?: readonly string[];
}

const OFFICE = 'application/vnd.openxmlformats-officedocument';
const MATROSKA = ['video/matroska', 'video/x-matroska', 'video/webm'];
const OGG = ['application/ogg', 'audio/ogg', 'video/ogg', 'audio/opus'];
const ISO_MEDIA = ['video/mp4', 'video/quicktime', 'audio/x-m4a', 'audio/mp4', 'video/x-m4v'];

const KNOWN_TYPES: readonly KnownType[] = [
  { mimeType: 'text/plain', extensions: ['txt', 'text', 'log'], label: 'plain text', textByName: true },
  { mimeType: 'text/csv', extensions: ['csv'], label: 'CSV', textByName: true },
  { mimeType: 'text/tab-separated-values', extensions: ['tsv', 'tab'], label: 'tab-separated text', textByName: true },
  { mimeType: 'text/markdown', extensions: ['md', 'markdown'], label: 'Markdown', textByName: true },
  { mimeType: 'application/json', extensions: ['json'], label: 'JSON', textByName: true },
  { mimeType: 'application/x-ndjson', extensions: ['jsonl', 'ndjson'], label: 'JSON lines', textByName: true },
  { mimeType: 'application/yaml', extensions: ['yaml', 'yml'], label: 'YAML', textByName: true },
  { mimeType: 'text/css', extensions: ['css'], label: 'a style sheet', textByName: true },
  { mimeType: 'text/javascript', extensions: ['js', 'mjs', 'cjs'], label: 'JavaScript', textByName: true },
  { mimeType: 'text/calendar', extensions: ['ics'], label: 'a calendar', textByName: true },
  { mimeType: 'text/vcard', extensions: ['vcf'], label: 'a business card', textByName: true },
  { mimeType: 'text/vtt', extensions: ['vtt'], label: 'subtitles', textByName: true },
  { mimeType: 'text/html', extensions: ['html', 'htm', 'xhtml'], label: 'HTML', textByName: true },
  {
    mimeType: 'text/xml',
    extensions: ['xml', 'xsd', 'xsl', 'rss', 'atom'],
    label: 'XML',
    textByName: true,
    alsoAccepts: ['image/svg+xml'],
  },
  { mimeType: 'image/svg+xml', extensions: ['svg'], label: 'an SVG image' },
  { mimeType: 'application/rtf', extensions: ['rtf'], label: 'a rich text document' },
  { mimeType: 'application/postscript', extensions: ['ps', 'eps', 'ai'], label: 'PostScript' },
  { mimeType: 'application/pdf', extensions: ['pdf'], label: 'a PDF document' },
  { mimeType: 'image/jpeg', extensions: ['jpg', 'jpeg', 'jpe', 'jfif'], label: 'a JPEG image' },
  { mimeType: 'image/png', extensions: ['png', 'apng'], label: 'a PNG image' },
  { mimeType: 'image/gif', extensions: ['gif'], label: 'a GIF image' },
  { mimeType: 'image/webp', extensions: ['webp'], label: 'a WebP image' },
  { mimeType: 'image/avif', extensions: ['avif'], label: 'an AVIF image' },
  { mimeType: 'image/heic', extensions: ['heic', 'heif'], label: 'a HEIC image', alsoAccepts: ['image/heif'] },
  { mimeType: 'image/tiff', extensions: ['tif', 'tiff'], label: 'a TIFF image' },
  { mimeType: 'image/bmp', extensions: ['bmp'], label: 'a BMP image' },
  { mimeType: 'image/x-icon', extensions: ['ico'], label: 'an icon' },
  { mimeType: `${OFFICE}.wordprocessingml.document`, extensions: ['docx'], label: 'a Word document' },
  { mimeType: `${OFFICE}.wordprocessingml.template`, extensions: ['dotx'], label: 'a Word template' },
  { mimeType: `${OFFICE}.spreadsheetml.sheet`, extensions: ['xlsx'], label: 'an Excel workbook' },
  { mimeType: `${OFFICE}.spreadsheetml.template`, extensions: ['xltx'], label: 'an Excel template' },
  { mimeType: `${OFFICE}.presentationml.presentation`, extensions: ['pptx'], label: 'a PowerPoint presentation' },
  { mimeType: `${OFFICE}.presentationml.slideshow`, extensions: ['ppsx'], label: 'a PowerPoint slide show' },
  { mimeType: `${OFFICE}.presentationml.template`, extensions: ['potx'], label: 'a PowerPoint template' },
  {
    mimeType: 'application/vnd.ms-word.document.macroenabled.12',
    extensions: ['docm'],
    label: 'a Word document with macros',
  },
  {
    mimeType: 'application/vnd.ms-word.template.macroenabled.12',
    extensions: ['dotm'],
    label: 'a Word template with macros',
  },
  {
    mimeType: 'application/vnd.ms-excel.sheet.macroenabled.12',
    extensions: ['xlsm'],
    label: 'an Excel workbook with macros',
  },
  {
    mimeType: 'application/vnd.ms-excel.template.macroenabled.12',
    extensions: ['xltm'],
    label: 'an Excel template with macros',
  },
  {
    mimeType: 'application/vnd.ms-excel.sheet.binary.macroenabled.12',
    extensions: ['xlsb'],
    label: 'a binary Excel workbook',
  },
  {
    mimeType: 'application/vnd.ms-powerpoint.presentation.macroenabled.12',
    extensions: ['pptm', 'ppsm', 'potm'],
    label: 'a PowerPoint presentation with macros',
  },
  { mimeType: 'application/msword', extensions: ['doc', 'dot'], label: 'an old Word document', compoundFile: true },
  {
    mimeType: 'application/vnd.ms-excel',
    extensions: ['xls', 'xlt'],
    label: 'an old Excel workbook',
    compoundFile: true,
  },
  {
    mimeType: 'application/vnd.ms-powerpoint',
    extensions: ['ppt', 'pps'],
    label: 'an old PowerPoint presentation',
    compoundFile: true,
  },
  { mimeType: 'application/vnd.oasis.opendocument.text', extensions: ['odt'], label: 'an OpenDocument text' },
  { mimeType: 'application/vnd.oasis.opendocument.spreadsheet', extensions: ['ods'], label: 'an OpenDocument sheet' },
  { mimeType: 'application/epub+zip', extensions: ['epub'], label: 'an EPUB book' },
  { mimeType: 'application/zip', extensions: ['zip'], label: 'a ZIP archive' },
  { mimeType: 'application/gzip', extensions: ['gz', 'tgz'], label: 'a gzip archive' },
  { mimeType: 'application/x-bzip2', extensions: ['bz2'], label: 'a bzip2 archive' },
  { mimeType: 'application/x-xz', extensions: ['xz'], label: 'an xz archive' },
  { mimeType: 'application/zstd', extensions: ['zst'], label: 'a Zstandard archive' },
  { mimeType: 'application/x-7z-compressed', extensions: ['7z'], label: 'a 7-Zip archive' },
  { mimeType: 'application/x-rar-compressed', extensions: ['rar'], label: 'a RAR archive' },
  { mimeType: 'application/x-tar', extensions: ['tar'], label: 'a tar archive' },
  { mimeType: 'application/x-msdownload', extensions: ['exe', 'dll', 'scr'], label: 'a Windows program' },
  { mimeType: 'application/x-elf', extensions: ['elf'], label: 'a Linux program' },
  { mimeType: 'application/x-sqlite3', extensions: ['sqlite', 'sqlite3'], label: 'an SQLite database' },
  { mimeType: 'audio/mpeg', extensions: ['mp3'], label: 'an MP3 recording' },
  { mimeType: 'audio/wav', extensions: ['wav'], label: 'a WAV recording' },
  { mimeType: 'audio/flac', extensions: ['flac'], label: 'a FLAC recording', alsoAccepts: ['audio/x-flac'] },
  { mimeType: 'audio/ogg', extensions: ['ogg', 'oga', 'opus'], label: 'an Ogg recording', alsoAccepts: OGG },
  { mimeType: 'audio/x-m4a', extensions: ['m4a'], label: 'an MPEG-4 recording', alsoAccepts: ISO_MEDIA },
  { mimeType: 'video/mp4', extensions: ['mp4', 'm4v'], label: 'an MPEG-4 video', alsoAccepts: ISO_MEDIA },
  { mimeType: 'video/quicktime', extensions: ['mov'], label: 'a QuickTime video', alsoAccepts: ISO_MEDIA },
  { mimeType: 'video/matroska', extensions: ['mkv'], label: 'a Matroska video', alsoAccepts: MATROSKA },
  { mimeType: 'video/webm', extensions: ['webm'], label: 'a WebM video', alsoAccepts: MATROSKA },
  { mimeType: 'video/vnd.avi', extensions: ['avi'], label: 'an AVI video' },
];

const BY_EXTENSION = new Map(KNOWN_TYPES.flatMap((type) => type.extensions.map((extension) => [extension, type])));
const BY_MIME_TYPE = new Map(KNOWN_TYPES.map((type) => [type.mimeType, type]));

export function knownTypeOfExtension(extension: string): KnownType | undefined {
  return BY_EXTENSION.get(extension);
}

export function knownType(mimeType: string): KnownType | undefined {
  return BY_MIME_TYPE.get(mimeType);
}

/** "a PNG image (image/png)", or the bare type where it is not one of the table. */
export function describeType(mimeType: string): string {
  if (mimeType === 'application/octet-stream') return `binary data of no known type (${mimeType})`;
  const label = knownType(mimeType)?.label;
  return label === undefined ? mimeType : `${label} (${mimeType})`;
}
