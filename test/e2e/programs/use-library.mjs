import { writeFileSync } from 'node:fs';
import { AssetError, openAssets } from 'asset-cli';

const assets = await openAssets();
writeFileSync('made.txt', 'made by a program\n');
const uploaded = await assets.upload({ path: 'made.txt' }, { tags: { from: 'esm' } });
const again = await assets.upload({ content: Buffer.from('made by a program\n'), filename: 'again.txt' });
const { path, bytes } = await assets.download(uploaded.id, { path: 'esm-back.txt' });
await Promise.all(Array.from({ length: 30 }, (_, n) => assets.upload({ content: String(n), filename: 'n.txt' })));
const refusal = await assets.upload({ content: '', filename: 'empty.txt' }).catch((error) => error);
await assets.close();
const code = refusal instanceof AssetError ? refusal.code : undefined;
writeFileSync('esm.json', JSON.stringify({ uploaded, again, path, bytes, code }));
