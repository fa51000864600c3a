// Runs the usual commands once in this process and writes what V8 compiled for them beside the files of dist/, for
// bin/load-chunk.js. The build starts it in an empty home. Usage: node compile-chunks.cjs <dist>
const { renameSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { createServer: createTcpServer } = require('node:net');
const { join, resolve } = require('node:path');
const { chunks, loadChunk } = require('../bin/load-chunk.js');

const dist = resolve(process.argv[2]);
const COMMANDS = [
  ['upload', 'note.txt', '--json'],
  ['upload', 'note.txt', '--skip-existing', '--tag', 'a=b'],
  ['list'],
  ['list', '--type', 'DOCUMENT_UPLOAD', '--json'],
  ['list', '--ids'],
  ['download', '--all', '-o', 'out'],
  ['scan', '--all', '--config', 'scan.yaml'],
  ['delete', '--all', '--yes'],
  ['list', '--config', 'config.yaml'],
  ['upload', 'other.txt', '--config', 's3.yaml'],
  ['download', '--all', '-o', 'out', '--force', '--config', 's3.yaml'],
];

run().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

async function run() {
  writeFileSync('note.txt', 'a note\n');
  writeFileSync('config.yaml', 'scan:\n  mode: off\nbackends: { spare: { provider: LOCAL, path: ./spare } }\n');
  writeFileSync('other.txt', 'another note\n');
  const scanner = (await startScanner()).address().port;
  writeFileSync('scan.yaml', `scan:\n  mode: off\n  clamd: { host: 127.0.0.1, port: ${scanner} }\n`);
  const { port } = (await startStore()).address();
  writeFileSync('s3.yaml', s3Configuration(port));
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'build', AWS_SECRET_ACCESS_KEY: 'build' });
  const { main } = loadChunk(join(dist, 'main.cjs'));
  const failed = [];
  for (const command of COMMANDS) {
    const status = await main(command, process);
    if (status !== 0) failed.push(`${command.join(' ')} ended with ${status}`);
  }
  // The entry's name does not change with its content, so what was compiled for it could be another build's.
  for (const [file, { script }] of chunks) {
    if (file !== join(dist, 'main.cjs')) writeInOneStep(`${file}.compiled`, script.createCachedData());
  }
  // What the others compiled is there: a machine may have no loopback interface, and the rest works.
  if (failed.length > 0) throw new Error(failed.join('; '));
}

/** Answers like a clamd that finds nothing; what it is sent is short enough to come at once. */
function startScanner() {
  const server = createTcpServer((socket) => {
    let count = 0;
    socket.on('data', (question) => {
      count += 1;
      socket.write(question.includes('VERSION') ? 'ClamAV 1.0.0/1/now\0' : `${count}: stream: OK\0`);
    });
  });
  return listening(server);
}

/** Answers like S3, as far as it is asked: the SDK that finds the credentials is most of what such a command loads. */
function startStore() {
  const objects = new Map();
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const found = objects.get(request.url);
    response.setHeader('etag', '"1"').setHeader('last-modified', new Date(0).toUTCString());
    if (request.method === 'PUT') objects.set(request.url, body);
    else if (request.url.includes('?')) response.write('<ListBucketResult/>');
    else if (found === undefined) response.writeHead(404).write('<Error><Code>NoSuchKey</Code></Error>');
    response.end(request.method === 'GET' ? found : undefined);
  });
  return listening(server);
}

function listening(server) {
  return new Promise((resolve) => {
    server.unref().listen(0, '127.0.0.1', () => resolve(server));
  });
}

function s3Configuration(port) {
  const store = `{ provider: AWS_S3, bucket: bucket, endpoint: 'http://127.0.0.1:${port}', region: x }`;
  return `timeouts: { deadline: 2s }\nbackends: { default: ${store} }\n`;
}

function writeInOneStep(path, contents) {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}
