import { BUILT_IN_ASSET_TYPES } from '../core/asset.ts';
import { suggest } from '../core/nearest.ts';
import type { LoadedFile } from './load-file.ts';

/**
 * The built-in asset types and those that the file adds. What it says of a type that neither has would
 * silently never apply.
 * @throws AssetError CONFIG_INVALID
 */
export function resolveAssetTypes(file: LoadedFile | undefined): readonly string[] {
  const config = file?.config;
  const types = [...new Set([...BUILT_IN_ASSET_TYPES, ...(config?.assetTypes ?? [])])];
  const named = [
    ...Object.keys(config?.retention ?? {}).map((type) => ['retention', type] as const),
    ...Object.keys(config?.images?.profiles ?? {}).map((type) => ['images', 'profiles', type] as const),
  ];
  for (const path of named) {
    const type = path[path.length - 1] ?? '';
    if (types.includes(type)) continue;
    const message = `${path.slice(0, -1).join('.')} names an asset type that is not defined, ${type}`;
    throw file?.error(path, message, `${suggest(type, types)} Define others in assetTypes.`);
  }
  return types;
}
