import { inflateRawSync } from 'node:zlib';
import type { ByteReader } from '../byte-reader.ts';
import { entryDataOffset, readZipDirectory, type ZipEntry } from './zip-directory.ts';

const CONTENT_TYPES = '[Content_Types].xml';
const LARGEST_CONTENT_TYPES = 1024 * 1024;
const OFFICE = 'application/vnd.openxmlformats-officedocument';

/**
 * The content type of the main part tells the document's type (ECMA-376 part 2, 10.1.2). What may
 * hold macros comes first, so that a document with two main parts counts as the riskier one.
 */
const MAIN_PARTS: readonly (readonly [part: string, mimeType: string])[] = [
  ['application/vnd.ms-excel.sheet.macroenabled.main+xml', 'application/vnd.ms-excel.sheet.macroenabled.12'],
  ['application/vnd.ms-excel.template.macroenabled.main+xml', 'application/vnd.ms-excel.template.macroenabled.12'],
  ['application/vnd.ms-excel.sheet.binary.macroenabled.main', 'application/vnd.ms-excel.sheet.binary.macroenabled.12'],
  ['application/vnd.ms-word.document.macroenabled.main+xml', 'application/vnd.ms-word.document.macroenabled.12'],
  [
    'application/vnd.ms-word.template.macroenabledtemplate.main+xml',
    'application/vnd.ms-word.template.macroenabled.12',
  ],
  [
    'application/vnd.ms-powerpoint.presentation.macroenabled.main+xml',
    'application/vnd.ms-powerpoint.presentation.macroenabled.12',
  ],
  [
    'application/vnd.ms-powerpoint.slideshow.macroenabled.main+xml',
    'application/vnd.ms-powerpoint.slideshow.macroenabled.12',
  ],
  [
    'application/vnd.ms-powerpoint.template.macroenabled.main+xml',
    'application/vnd.ms-powerpoint.template.macroenabled.12',
  ],
  [`${OFFICE}.wordprocessingml.document.main+xml`, `${OFFICE}.wordprocessingml.document`],
  [`${OFFICE}.wordprocessingml.template.main+xml`, `${OFFICE}.wordprocessingml.template`],
  [`${OFFICE}.spreadsheetml.sheet.main+xml`, `${OFFICE}.spreadsheetml.sheet`],
  [`${OFFICE}.spreadsheetml.template.main+xml`, `${OFFICE}.spreadsheetml.template`],
  [`${OFFICE}.presentationml.presentation.main+xml`, `${OFFICE}.presentationml.presentation`],
  [`${OFFICE}.presentationml.slideshow.main+xml`, `${OFFICE}.presentationml.slideshow`],
  [`${OFFICE}.presentationml.template.main+xml`, `${OFFICE}.presentationml.template`],
];

/** The type that a document has if it holds macros in spite of its main part's type. */
const WITH_MACROS: ReadonlyMap<string, string> = new Map([
  [`${OFFICE}.wordprocessingml.document`, 'application/vnd.ms-word.document.macroenabled.12'],
  [`${OFFICE}.wordprocessingml.template`, 'application/vnd.ms-word.template.macroenabled.12'],
  [`${OFFICE}.spreadsheetml.sheet`, 'application/vnd.ms-excel.sheet.macroenabled.12'],
  [`${OFFICE}.spreadsheetml.template`, 'application/vnd.ms-excel.template.macroenabled.12'],
  [`${OFFICE}.presentationml.presentation`, 'application/vnd.ms-powerpoint.presentation.macroenabled.12'],
  [`${OFFICE}.presentationml.slideshow`, 'application/vnd.ms-powerpoint.slideshow.macroenabled.12'],
  [`${OFFICE}.presentationml.template`, 'application/vnd.ms-powerpoint.template.macroenabled.12'],
]);

const OPENXML_TYPES = new Set(MAIN_PARTS.map(([, mimeType]) => mimeType));

export function isOpenXml(mimeType: string): boolean {
  return OPENXML_TYPES.has(mimeType);
}

/** VBA projects, and the sheets of Excel 4 macros, which need no VBA project. */
const MACRO_PART = /application\/vnd\.ms-office\.vbaproject|application\/vnd\.ms-excel\.(?:intl)?macrosheet\+xml/;

/** Entities and DTDs could hide a type from us; Office writes none here, and OPC forbids DTDs. */
const UNREADABLE_XML = /&#|<!/;

/** The type of an OpenXML document (Word, Excel, PowerPoint), or undefined for any other ZIP. */
export function openXmlType(reader: ByteReader): string | undefined {
  const entries = readZipDirectory(reader);
  const found = entries?.filter((entry) => entry.name === CONTENT_TYPES);
  const [entry] = found ?? [];
  if (entries === undefined || entry === undefined || found?.length !== 1) return undefined;
  const contentTypes = readSmallEntry(reader, entry)?.toLowerCase();
  if (contentTypes === undefined || UNREADABLE_XML.test(contentTypes)) return undefined;
  const mimeType = MAIN_PARTS.find(
    ([part]) => contentTypes.includes(`"${part}"`) || contentTypes.includes(`'${part}'`),
  );
  if (mimeType === undefined) return undefined;
  const macros = MACRO_PART.test(contentTypes) || entries.some(({ name }) => /(?:^|\/)vbaproject\.bin$/i.test(name));
  return macros ? (WITH_MACROS.get(mimeType[1]) ?? mimeType[1]) : mimeType[1];
}

function readSmallEntry(reader: ByteReader, entry: ZipEntry): string | undefined {
  const start = entryDataOffset(reader, entry);
  if (start === undefined || entry.encrypted || entry.compressedSize > LARGEST_CONTENT_TYPES) return undefined;
  const data = reader.read(start, entry.compressedSize);
  if (entry.method === 0) return Buffer.from(data).toString('utf8');
  if (entry.method !== 8) return undefined;
  try {
    return inflateRawSync(data, { maxOutputLength: LARGEST_CONTENT_TYPES }).toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
