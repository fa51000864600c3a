import * as z from 'zod/mini';
import { IMAGE_FORMATS, SAFE_QUALITY } from '../../core/image-profile.ts';
import { assetType, cdnDomains, key, truth, truthOr, wholeNumber } from './kinds.ts';

const profile = z.strictObject({
  maxWidth: key(wholeNumber(1, 16_383), 'Larger images are scaled down to this width, in pixels.'),
  maxHeight: key(wholeNumber(1, 16_383), 'Larger images are scaled down to this height, in pixels.'),
  format: key(z.enum(IMAGE_FORMATS), 'What they become; animated images become WebP or stay what they are.', 'keep'),
  quality: key(wholeNumber(1, 100), 'Of JPEG and lossy WebP.', SAFE_QUALITY),
});

export const images = key(
  z.strictObject({
    optimize: key(truth(), 'Transform images at all.', true),
    profiles: key(
      z.record(assetType(), profile),
      'By asset type: how its images are stored. USER_AVATAR and PROJECT_LOGO have profiles; other types come back as they went in.',
    ),
  }),
  'Images: turned upright, without metadata, smaller.',
);

export const content = key(
  z.strictObject({
    compress: key(truthOr('auto'), 'Text at rest. auto: where every reader of a signed URL gets the original.', 'auto'),
  }),
  'What is made of content before it is stored.',
);

export const cdn = key(
  z.strictObject({
    domain: key(cdnDomains(), 'What serves public assets: one for all backends, or one per backend.'),
  }),
  'Addresses of public assets.',
);
