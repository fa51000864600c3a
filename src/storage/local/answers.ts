const PATIENCE_MILLISECONDS = 1000;

/** Whether anything answers at this address, whatever it says. */
export async function answersAt(publicUrl: string): Promise<boolean> {
  // Seldom wanted, and to load it takes a fiftieth of a short command's time.
  const { get } = await (publicUrl.startsWith('https:') ? import('node:https') : import('node:http'));
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
