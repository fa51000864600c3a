import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation at its first size. In bulk it would otherwise grow to tens of MiB, which
 * costs memory and, measured on 10,000 uploads, saves no time. Called once the command's code is
 * loaded, because code that the build compiled is only taken under the flags that it was compiled with.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
