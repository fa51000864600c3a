import type { Credentials } from './signature.ts';

export interface Location {
  origin: string;
  host: string;
  /** Of the bucket: `/bucket`, or empty where the host names it. */
  path: string;
  region: string;
}

/** Where a bucket is, and who we are there. */
export interface Access {
  location: Location;
  credentials(force?: boolean): Promise<Credentials>;
  close(): void;
}
