import { describe, expect, it } from 'vitest';
import { readClamdAnswer } from '../../src/scan/clamd-answer.ts';
import fc from '../support/property.ts';

describe('an answer of clamd', () => {
  it.each([
    ['stream: OK', { kind: 'clean' }],
    ['stream: Eicar-Test-Signature FOUND', { kind: 'infected', signature: 'Eicar-Test-Signature' }],
    [
      'stream: Win.Test.EICAR_HDB-1(44d88612fea8a8f36de82e1278abb02f:68) FOUND',
      { kind: 'infected', signature: 'Win.Test.EICAR_HDB-1' },
    ],
    [
      'stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND',
      { kind: 'unexamined', reason: 'not fully examined: Heuristics.Limits.Exceeded.MaxFileSize' },
    ],
    ['stream: Heuristics.Limits.Exceeded FOUND', { kind: 'unexamined' }],
    ['stream: Heuristics.Encrypted.Zip FOUND', { kind: 'unexamined' }],
    ['INSTREAM size limit exceeded. ERROR', { kind: 'unexamined' }],
    ['stream: Time limit reached ERROR', { kind: 'unexamined', reason: 'not fully examined: Time limit reached' }],
    ['COMMAND READ TIMED OUT ERROR', { kind: 'failure', message: 'COMMAND READ TIMED OUT' }],
    ["stream: Can't allocate memory ERROR", { kind: 'failure' }],
  ])('%j is understood', (text, expected) => {
    expect(readClamdAnswer(text)).toMatchObject(expected);
  });

  it.each([
    '',
    'OK',
    'stream: OK ',
    'stream: OK\n',
    'stream: ok',
    'other: OK',
    'stream:  FOUND',
    'stream: \u0007 FOUND',
    'PONG',
  ])('%j is none', (text) => {
    expect(readClamdAnswer(text)).toEqual({ kind: 'garbled' });
  });

  it('is clean only by the exact words', () => {
    const near = fc.mixedCase(fc.constantFrom('stream: OK', 'stream: OK FOUND', 'stream: OK ERROR', '1: stream: OK'));
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (text) => {
        fc.pre(text !== 'stream: OK');
        expect(readClamdAnswer(text).kind).not.toBe('clean');
      }),
    );
  });
});
