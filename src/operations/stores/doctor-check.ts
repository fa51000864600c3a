import { type ErrorCode, toFailure } from '../../core/errors.ts';
import { redactText } from '../../core/redact.ts';

type CheckStatus = 'ok' | 'warning' | 'error';

export interface DoctorCheck {
  name: string;
  status: CheckStatus;
  message: string;
  hint: string | null;
  /** Of an error: decides the exit status. */
  code?: ErrorCode;
}

export function ok(name: string, message: string): DoctorCheck {
  return { name, status: 'ok', message, hint: null };
}

export function failedCheck(name: string, error: unknown): DoctorCheck {
  const { code, hint, message: whole } = toFailure(error);
  // The check's own name says already which backend it was.
  const message = whole.replace(/^Backend "[^"]*": /, '');
  return { name, status: 'error', message: redactText(message), hint: hint ?? null, code };
}
