import type { ContentRules } from '../../src/content/content.ts';

const OFFICE = 'application/vnd.openxmlformats-officedocument';
export const DOCX = `${OFFICE}.wordprocessingml.document`;
export const XLSX = `${OFFICE}.spreadsheetml.sheet`;

/** The contract's defaults. */
export const defaultRules: ContentRules = {
  maxFileSize: 50 * 1024 * 1024,
  allowedMimeTypes: new Set([
    'image/jpeg',
    'image/png',
    'image/gif',
    'image/webp',
    'application/pdf',
    'text/plain',
    'text/csv',
    DOCX,
    XLSX,
  ]),
};

export function allowing(...mimeTypes: string[]): ContentRules {
  return { ...defaultRules, allowedMimeTypes: new Set([...defaultRules.allowedMimeTypes, ...mimeTypes]) };
}
