import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';

const PATIENCE_MILLISECONDS = 1000;

/** Whether anything answers at this address, whatever it says. */
export function answersAt(publicUrl: string): Promise<boolean> {
  const get = publicUrl.startsWith('https:') ? getSecure : getPlain;
  return new Promise((resolve) => {
    const request = get(`${publicUrl}/healthz`, { timeout: PATIENCE_MILLISECONDS, agent: false }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) < 500);
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    // Whatever the reason: whoever gets the URL would meet it too.
    request.on('error', () => resolve(false));
  });
}
