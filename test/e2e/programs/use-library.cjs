const { writeFileSync } = require('node:fs');
const { AssetError, openAssets } = require('asset-cli');

async function main() {
  const assets = await openAssets({ role: 'admin' });
  const saved = await assets.saveGeneratedAsset({ assetType: 'LLM_TXT', content: '# what we do\n' });
  const missing = await assets.download('00000000-0000-4000-8000-000000000000').catch((error) => error);
  const deleted = await assets.delete(saved.id);
  await assets.close();
  const { openAssets: imported, AssetError: importedError } = await import('asset-cli');
  const same = imported === openAssets && importedError === AssetError;
  writeFileSync('cjs.json', JSON.stringify({ saved, code: missing.code, deleted, same }));
}

main();
