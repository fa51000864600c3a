import { writeFileSync } from 'node:fs';
import { type Asset, AssetError, type Assets, openAssets } from 'asset-cli';

const assets: Assets = await openAssets({ organization: 'acme', user: 'typescript' });
const saved: Asset = await assets.saveGeneratedAsset({
  projectId: 'p1',
  scanResultId: 's1',
  assetType: 'SEO_REPORT',
  content: 'title,rank\nhome,1\n',
  filename: 'ranking.csv',
});
const shown: Asset = await assets.publish(saved.id);
const { cdnUrl }: { cdnUrl: string | null } = await assets.unpublish(saved.id);
const listed: string[] = [];
for await (const asset of assets.list({ projectId: 'p1', limit: 10 })) listed.push(asset.id);
const content: Buffer = await assets.download(saved.id);
const { url }: { url: string } = await assets.sign(saved.id, { expiresIn: 60 });
const refusal = await assets.sign(saved.id, { expiresIn: 0 }).catch((error: unknown) => error);
const code = refusal instanceof AssetError ? refusal.code : undefined;
// @ts-expect-error: a type that is misspelt is found by the compiler
await assets.upload({ pth: 'x' }).catch(() => undefined);
const { bytes } = await assets.delete(saved.id);
await assets.close();
writeFileSync(
  'typed.json',
  JSON.stringify({ saved, listed, content: content.toString(), url, code, bytes, isPublic: shown.isPublic, cdnUrl }),
);
