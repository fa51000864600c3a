/** An element of a provider's answer: text, or children by name. */
export interface XmlElement {
  name: string;
  /** As they were written: `Encoded="true"`. */
  attributes: string;
  text: string;
  children: XmlElement[];
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const TOKEN = /<(?:\?[^>]*\?|!--[\s\S]*?--|!\[CDATA\[([\s\S]*?)\]\]|(\/?)([^\s/>]+)([^>]*?)(\/?))>|([^<]+)/g;

/**
 * Reads the XML that S3 answers with: elements, text, entities, CDATA; no DTD is ever expanded.
 * @returns the document element, or undefined if the text is not such XML
 */
export function parseXml(text: string): XmlElement | undefined {
  const top: XmlElement = { name: '', attributes: '', text: '', children: [] };
  const open: XmlElement[] = [top];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index !== end) return undefined;
    end = match.index + match[0].length;
    const current = open.at(-1);
    if (current === undefined) return undefined;
    const [, cdata, closing, name, attributes = '', selfClosing, characters] = match;
    if (characters !== undefined) current.text += unescapeXml(characters);
    else if (cdata !== undefined) current.text += cdata;
    else if (name === undefined) continue;
    else if (closing === '/') {
      if (open.length === 1 || current.name !== localName(name)) return undefined;
      open.pop();
    } else {
      const element = { name: localName(name), attributes, text: '', children: [] };
      current.children.push(element);
      if (selfClosing !== '/') open.push(element);
    }
  }
  return end === text.length && open.length === 1 ? top.children[0] : undefined;
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return (Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined) ?? whole;
    const point = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

export function childrenOf(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** The text of the first child of that name. */
export function textOf(element: XmlElement | undefined, name: string): string | undefined {
  return element?.children.find((child) => child.name === name)?.text;
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** XML 1.0 has no way to write these at all, not even as a reference. */
export function fitsXml(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text);
}
