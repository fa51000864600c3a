export type MarkupType = 'text/html' | 'image/svg+xml' | 'text/xml';

/** White space, comments, processing instructions: what may stand before the first element. */
const PROLOGUE = /^(?:\s+|<!--[\s\S]*?-->|<\?[\s\S]*?\?>)/;
const DOCTYPE = /^<!doctype\s+([^\s>[]+)[^>[]*(?:\[[\s\S]*?\]\s*)?>/i;
const ELEMENT = /^<(?:[a-z][\w.-]*:)?([a-z][\w.-]*)(?=[\s/>])/i;

/** Elements that only a whole HTML document or active content begins with. */
const HTML_DOCUMENT = new Set(['html', 'head', 'body', 'script', 'iframe', 'style', 'base', 'meta', 'title']);
/** Elements by which a browser takes text for HTML (WHATWG MIME Sniffing 7.1), and which Markdown begins with too. */
const HTML_FRAGMENT = new Set(['h1', 'div', 'font', 'table', 'a', 'b', 'br', 'p', 'img', 'object', 'embed', 'form']);

export interface Markup {
  mimeType: MarkupType;
  /** A fragment is HTML to a browser, but may as well be the beginning of Markdown or plain text. */
  certain: boolean;
}

/** What kind of markup a text begins with, by its document type or first element. */
export function markupOf(head: string): Markup | undefined {
  let rest = head;
  let xml = false;
  for (let match = PROLOGUE.exec(rest); match !== null; match = PROLOGUE.exec(rest)) {
    xml ||= match[0].startsWith('<?xml');
    rest = rest.slice(match[0].length);
  }
  const doctype = DOCTYPE.exec(rest);
  if (doctype !== null) {
    if (doctype[1]?.toLowerCase() === 'html') return { mimeType: 'text/html', certain: true };
    xml = true;
    rest = rest.slice(doctype[0].length).replace(/^(?:\s+|<!--[\s\S]*?-->|<\?[\s\S]*?\?>)+/, '');
  }
  return markupOfElement(ELEMENT.exec(rest)?.[1]?.toLowerCase(), xml);
}

function markupOfElement(element: string | undefined, xml: boolean): Markup | undefined {
  if (element === 'svg') return { mimeType: 'image/svg+xml', certain: true };
  if (element !== undefined && HTML_DOCUMENT.has(element)) return { mimeType: 'text/html', certain: true };
  if (xml) return { mimeType: 'text/xml', certain: true };
  if (element !== undefined && HTML_FRAGMENT.has(element)) return { mimeType: 'text/html', certain: false };
  return undefined;
}
