import { Worker } from 'node:worker_threads';

/** Answers come in the order of the questions. */
export interface Thread<Question, Answer> {
  ask(question: Question): Promise<Answer>;
  end(): Promise<void>;
}

/**
 * A thread that runs `program`, which answers each message by one. It is text, because the program is a bundle of
 * chunks and the tests run the sources: neither has a file for it. It does not outlive the program, nor keep it alive
 * while nothing is asked. `young` is the most that its young generation holds, in MiB.
 */
export function startThread<Question, Answer>(program: string, young = 2): Thread<Question, Answer> {
  const worker = new Worker(program, { eval: true, resourceLimits: { maxYoungGenerationSizeMb: young } });
  const waiting: { resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];
  let broken: Error | undefined;

  function fail(error: Error): void {
    broken ??= error;
    for (const { reject } of waiting.splice(0)) reject(broken);
  }

  worker.unref();
  worker.on('message', (answer: Answer) => {
    waiting.shift()?.resolve(answer);
    if (waiting.length === 0) worker.unref();
  });
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('the thread has ended')));
  return {
    ask(question) {
      if (broken !== undefined) return Promise.reject(broken);
      worker.ref();
      worker.postMessage(question);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
      });
    },
    async end() {
      // A late answer must not unref what keeps the program alive until the end.
      worker.removeAllListeners('message');
      await worker.terminate();
    },
  };
}
