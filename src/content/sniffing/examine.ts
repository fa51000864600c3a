import { type ByteReader, bytesReader } from '../byte-reader.ts';
import type { ContentRules } from '../content.ts';
import { hasReadableHeader } from '../images/header.ts';
import { judgeType } from './judge.ts';
import { describeType } from './known-types.ts';
import { isOpenXml } from './openxml.ts';
import { refuseBadImage, refuseZipBomb } from './safety.ts';
import { type DetectedType, detectBinary, detectText, HEAD_LENGTH } from './sniff.ts';
import { TextScan } from './text-scan.ts';
import { beginsLikeZip } from './zip-directory.ts';

/**
 * Judges content in the pass that reads it, as early as can be: what is not text is known by its
 * first chunk, and refused before the rest is read. Text and ZIP are known at the end.
 */
export class Examination {
  readonly #name: string;
  readonly #rules: ContentRules;
  readonly #head: Uint8Array;
  readonly #text: TextScan;
  #isText = true;
  #early: DetectedType | undefined;

  /** `first`: the first chunk, at least HEAD_LENGTH bytes or all. */
  constructor(name: string, rules: ContentRules, first: Uint8Array) {
    this.#name = name;
    this.#rules = rules;
    this.#head = Uint8Array.from(first.subarray(0, HEAD_LENGTH));
    this.#text = new TextScan(this.#head);
  }

  /**
   * Every chunk in order, the first included.
   * @throws AssetError TYPE_MISMATCH, TYPE_NOT_ALLOWED
   */
  async feed(chunk: Uint8Array): Promise<void> {
    if (!this.#isText) return;
    this.#isText = this.#text.feed(chunk);
    if (this.#isText || beginsLikeZip(this.#head)) return;
    this.#early = await detectBinary(this.#head, bytesReader(this.#head), this.#name);
    judgeType(this.#name, this.#early, this.#rules);
  }

  /**
   * At the end; `reader` gives access to all of the content.
   * @throws AssetError TYPE_MISMATCH, TYPE_NOT_ALLOWED, CONTENT_UNSAFE
   */
  async finish(reader: ByteReader): Promise<DetectedType> {
    const detected = this.#early ?? (await this.#detectWhole(reader));
    judgeType(this.#name, detected, this.#rules);
    await refuseUnsafe(this.#name, detected.mimeType, reader);
    return detected;
  }

  async #detectWhole(reader: ByteReader): Promise<DetectedType> {
    const encoding = this.#text.finish();
    if (encoding !== undefined) return detectText(this.#head, encoding, this.#name);
    return detectBinary(this.#head, reader, this.#name);
  }
}

/** What is of an allowed type may still be a trap for whatever opens it. */
async function refuseUnsafe(name: string, mimeType: string, reader: ByteReader): Promise<void> {
  if (hasReadableHeader(mimeType)) refuseBadImage(name, mimeType, reader, describeType(mimeType));
  if (isOpenXml(mimeType)) await refuseZipBomb(name, reader);
}
