import { escapeForTerminal } from '../../core/terminal-text.ts';
import type { DoctorCheck } from '../../operations/stores/doctor.ts';
import type { Paint } from './output.ts';

const COLOURS = { ok: 'green', warning: 'yellow', error: 'red' } as const;
const STATUS_WIDTH = 9;

/** Findings are sentences: lines that wrap suit them better than a table. */
export function renderCheck(check: DoctorCheck, paint: Paint): string {
  const status = paint(COLOURS[check.status], check.status.padEnd(STATUS_WIDTH));
  const hint = check.hint === null ? '' : `${' '.repeat(STATUS_WIDTH)}${escapeForTerminal(check.hint)}\n`;
  return `${status}${escapeForTerminal(`${check.name}: ${check.message}`)}\n${hint}`;
}

export function checkToJson({ name, status, message, hint }: DoctorCheck): object {
  return { name, status, message, hint };
}
