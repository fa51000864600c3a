import { DEFAULT_IMAGE_PROFILES, type ImageProfile, PLAIN_PROFILE } from '../core/image-profile.ts';
import type { FileConfig } from './schema/file.ts';

/** The profiles of a file, completed by the default ones; none if images are not to be transformed. */
export function resolveImages(images: FileConfig['images']): ReadonlyMap<string, ImageProfile> {
  if (images?.optimize === false) return new Map();
  const profiles = new Map(DEFAULT_IMAGE_PROFILES);
  for (const [assetType, written] of Object.entries(images?.profiles ?? {})) {
    const { maxWidth, maxHeight, format, quality } = profiles.get(assetType) ?? PLAIN_PROFILE;
    profiles.set(assetType, {
      maxWidth: written.maxWidth ?? maxWidth,
      maxHeight: written.maxHeight ?? maxHeight,
      format: written.format ?? format,
      quality: written.quality ?? quality,
    });
  }
  return profiles;
}
