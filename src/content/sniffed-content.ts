import type { BodySource, Checksums } from '../core/body.ts';
import type { ByteReader } from './byte-reader.ts';
import type { Original } from './content.ts';

/** Content as it came, judged and fingerprinted in the pass that read it. */
export interface SniffedContent {
  size: number;
  sha256: string;
  checksums: Checksums;
  mimeType: string;
  extension: string;
  body: BodySource;
  /** Random access to all of it, until it is closed. */
  reader: ByteReader;
  /** May be called again. */
  close(): Promise<void>;
}

/** Content as a download returns it: what the transform stage makes and the encode stage takes. */
export interface ShapedContent extends Omit<SniffedContent, 'reader'> {
  isProcessed: boolean;
  original?: Original;
  untransformed?: BodySource;
  /** Only of a recognised image: its bytes are not there yet. */
  remake?(): Promise<ShapedContent>;
}
