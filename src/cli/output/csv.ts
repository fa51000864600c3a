/**
 * One line of RFC 4180. A cell that a spreadsheet would run as a formula (it begins with `=`, `+`,
 * `-` or `@`, or with a tab or carriage return before one) gets an apostrophe in front (OWASP, "CSV Injection").
 */
export function csvLine(cells: readonly (string | number | boolean | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(value: string | number | boolean | null): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const guarded = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}
