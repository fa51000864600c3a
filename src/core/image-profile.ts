export const IMAGE_FORMATS = ['keep', 'jpeg', 'png', 'webp'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** How the images of one asset type are stored. */
export interface ImageProfile {
  /** In pixels; larger images are scaled down, keeping their proportions. null: any. */
  maxWidth: number | null;
  maxHeight: number | null;
  /** What they become; animated ones become WebP or stay what they are. */
  format: ImageFormat;
  /** 1 to 100, of JPEG and lossy WebP. */
  quality: number;
}

/** Visually safe: what is lost cannot be seen at its own size. */
export const SAFE_QUALITY = 82;

export const PLAIN_PROFILE: ImageProfile = { maxWidth: null, maxHeight: null, format: 'keep', quality: SAFE_QUALITY };

/** Transformed unless the configuration says otherwise; every other type comes back as it went in. */
export const DEFAULT_IMAGE_PROFILES: ReadonlyMap<string, ImageProfile> = new Map([
  ['USER_AVATAR', { ...PLAIN_PROFILE, maxWidth: 512, maxHeight: 512 }],
  ['PROJECT_LOGO', { ...PLAIN_PROFILE, maxWidth: 1024, maxHeight: 1024 }],
]);

/** Another way of making the same profile's images gets another number. */
const ENCODER_VERSION = 1;

/** Stands with each known original (catalog): by the same profile it is not decoded again. */
export function profileName({ maxWidth, maxHeight, format, quality }: ImageProfile): string {
  return `${ENCODER_VERSION}:${maxWidth ?? ''}x${maxHeight ?? ''}:${format}:q${quality}`;
}
