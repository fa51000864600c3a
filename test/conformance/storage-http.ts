import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { memoryBody } from '../support/bodies.ts';
import { itUnless } from './skips.ts';
import type { SuiteContext } from './storage.ts';
import { freshKey } from './storage-keys.ts';

const FILE_NAME = 'Überblick "Q3" 50% – 世界.csv';
const SIGNED = { expiresIn: 60, downloadAs: FILE_NAME, inline: false, contentType: 'text/csv' };
const RFC_6266_NAME = "filename*=UTF-8''%C3%9Cberblick%20%22Q3%22%2050%25%20%E2%80%93%20%E4%B8%96%E7%95%8C.csv";

/** What a plain HTTP client sees. */
export function describeHttp({ backend, traits }: SuiteContext): void {
  describe('over plain HTTP', () => {
    itUnless(traits, 'headers', 'shows the content type, encoding and cache control that were put', async () => {
      if (traits.plainUrl === undefined) return;
      const key = freshKey();
      await backend().put(key, memoryBody('{}'), {
        contentType: 'application/json',
        contentEncoding: 'identity',
        cacheControl: 'public, max-age=3600',
      });
      const answer = await fetch(await traits.plainUrl(backend(), key));
      expect(await answer.text()).toBe('{}');
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('content-encoding')).toBe('identity');
      expect(answer.headers.get('cache-control')).toBe('public, max-age=3600');
    });

    it('signs URLs, or says that it cannot', async () => {
      const key = freshKey('odd name+%20&?#.csv');
      await backend().put(key, memoryBody('a,b\n'));
      if (!backend().features.signs) {
        await expect(backend().sign(key, SIGNED)).rejects.toMatchObject({ kind: 'UNSUPPORTED' });
        return;
      }
      const { url, expiresAt } = await backend().sign(key, SIGNED);
      const lifetime = expiresAt.getTime() - Date.now();
      expect(lifetime).toBeGreaterThan(50_000);
      expect(lifetime).toBeLessThanOrEqual(60_000);
      const answer = await fetch(url);
      expect(await answer.text()).toBe('a,b\n');
      if (traits.serverLacks?.headers !== undefined) return;
      expect(answer.headers.get('content-type')).toBe('text/csv');
      const disposition = answer.headers.get('content-disposition') ?? '';
      expect(disposition.startsWith('attachment; ')).toBe(true);
      expect(disposition).toContain(RFC_6266_NAME);
    });

    itUnless(traits, 'headers', 'signs for showing in the browser', async () => {
      if (!backend().features.signs) return;
      const key = freshKey();
      await backend().put(key, memoryBody('x'));
      const { url } = await backend().sign(key, { ...SIGNED, inline: true });
      expect((await fetch(url)).headers.get('content-disposition')).toMatch(/^inline; /);
    });

    itUnless(traits, 'signatures', 'is refused with a signature that was changed or has run out', async () => {
      if (!backend().features.signs) return;
      const [key, other] = [freshKey(), freshKey()];
      await backend().put(key, memoryBody('x'));
      await backend().put(other, memoryBody('secret'));
      const { url } = await backend().sign(key, { ...SIGNED, expiresIn: 1 });
      const elsewhere = url.replace(key.split('/')[1] ?? '', other.split('/')[1] ?? '');
      expect(elsewhere).not.toBe(url);
      expect((await fetch(elsewhere)).status).toBe(403);
      await setTimeout(2500);
      expect((await fetch(url)).status).toBe(403);
    });

    it('refuses to sign for longer than the provider allows', async () => {
      if (!backend().features.signs) return;
      const signing = backend().sign(freshKey(), { ...SIGNED, expiresIn: 7 * 86_400 + 1 });
      await expect(signing).rejects.toMatchObject({ kind: 'UNSUPPORTED' });
    });
  });
}
