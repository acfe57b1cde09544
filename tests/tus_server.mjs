// The independent tus server @tus/server behind TLS, with a route of its own for `complete` on request.
//
// node tus_server.mjs KEY CERTIFICATE CA DIRECTORY [complete]; NODE_PEERS is the folder node_modules that holds
// @tus/server and @tus/file-store. The first line on standard output is `listening https://127.0.0.1:PORT`.

import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:https';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [key, cert, ca, directory, complete] = process.argv.slice(2);
const peer = name => import(pathToFileURL(join(resolve(process.env.NODE_PEERS), name, 'dist/index.js')));
const { Server } = await peer('@tus/server');
const { FileStore } = await peer('@tus/file-store');

const tus = new Server({ path: '/v1/bundles', datastore: new FileStore({ directory }) });

async function receipt(id) {
  const path = join(directory, id);
  const sha256 = createHash('sha256');
  for await (const piece of createReadStream(path)) sha256.update(piece);
  return { sha256: sha256.digest('hex'), size: statSync(path).size, durable: true, receipt: id };
}

const options = {
  key: readFileSync(key), cert: readFileSync(cert), ca: readFileSync(ca), requestCert: true, minVersion: 'TLSv1.3',
};
const server = createServer(options, async (request, response) => {
  const [, id] = request.url.match(/^\/v1\/bundles\/([0-9a-f]+)\/complete$/) ?? [];
  if (id && complete) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(await receipt(id)));
  } else {
    tus.handle(request, response);
  }
});
server.listen(0, '127.0.0.1', () => console.log(`listening https://127.0.0.1:${server.address().port}`));
