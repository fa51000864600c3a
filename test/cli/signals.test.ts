import { afterEach, expect, test, vi } from 'vitest';
import { watchSignals } from '../../src/cli/signals.ts';
import { createTestHost } from '../support/host.ts';

afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('the first %s asks to stop, a second ends at once', (signal, code) => {
  const host = createTestHost();
  const interruption = watchSignals(host);
  expect(interruption.signal.aborted).toBe(false);
  expect(interruption.exitCode).toBeUndefined();
  host.send(signal);
  expect(interruption.signal.aborted).toBe(true);
  expect(interruption.exitCode).toBe(code);
  expect(host.exits).toEqual([]);
  host.send(signal);
  expect(host.exits).toEqual([code]);
  interruption.release();
});

test('what does not stop within ten seconds is ended', () => {
  vi.useFakeTimers();
  const host = createTestHost();
  watchSignals(host);
  host.send('SIGTERM');
  vi.advanceTimersByTime(9_999);
  expect(host.exits).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(host.exits).toEqual([143]);
});

test('signals are given back', () => {
  const host = createTestHost();
  const interruption = watchSignals(host);
  interruption.release();
  host.send('SIGINT');
  expect(interruption.signal.aborted).toBe(false);
});
