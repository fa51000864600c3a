// Runs one server and ends it when the pipe to its parent closes, however the parent died; then removes the server's folder.
// Usage: node keeper.mjs <folder> <stop signal> <uid or -> <command> [argument…]
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

const [folder, stopSignal, user, command, ...args] = process.argv.slice(2);
const identity = user === '-' ? {} : { uid: Number(user), gid: Number(user) };
const server = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], cwd: folder, ...identity });

server.on('error', (error) => {
  console.error(error.message);
  finish(1);
});
server.on('exit', (code) => finish(code ?? 1));
process.stdin.on('end', stop).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);

function stop() {
  server.kill(stopSignal);
  setTimeout(() => server.kill('SIGKILL'), 5000).unref();
}

function finish(code) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}
