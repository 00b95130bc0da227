/**
 * Takes a drawing into the page. The drawings are our own and escaped where they are made; this is the second lock:
 * only elements and attributes that a chart is made of get in, anything else is refused.
 */

/** What a chart is made of. */
const ELEMENTS = new Set([
  ..."svg g defs title desc path rect line polyline polygon circle ellipse text tspan".split(" "),
  ..."clipPath linearGradient stop pattern".split(" "),
]);

/** Largest drawing that is taken in, characters. */
const MAX_SVG_CHARS = 8_000_000;

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/** A drawing that is not let in. */
export class SvgRefused extends Error {
  override readonly name = "SvgRefused";
}

/** The drawing as an element of this page. Throws `SvgRefused`. */
export function parseSvg(text: string): SVGSVGElement {
  if (text.length > MAX_SVG_CHARS) throw new SvgRefused("the drawing is too large");
  // Inert, like a document of its own; but WebKitGTK 2.50 never frees those that DOMParser makes, one a chart and second.
  const template = document.createElement("template");
  template.innerHTML = text;
  const [root, ...others] = template.content.children;
  for (const element of template.content.querySelectorAll("*")) check(element);
  if (root?.localName !== "svg" || others.length > 0) throw new SvgRefused("the drawing is not SVG");
  if (!text.trimEnd().endsWith("</svg>")) throw new SvgRefused("the drawing is not whole");
  return document.importNode(root, true) as unknown as SVGSVGElement;
}

function check(element: Element): void {
  if (element.namespaceURI !== SVG_NAMESPACE || !ELEMENTS.has(element.localName)) {
    throw new SvgRefused(`the drawing contains <${element.localName}>`);
  }
  for (const { name, localName, value } of [...element.attributes]) {
    const reference = /url\s*\(\s*(?!["']?#)/i.test(value) || /^\s*(javascript|data|vbscript):/i.test(value);
    // The HTML parser leaves the prefix of most attributes in their local names.
    const bare = localName.slice(localName.lastIndexOf(":") + 1);
    if (/^on/i.test(bare) || /^href$/i.test(bare) || reference) {
      throw new SvgRefused(`the drawing has the attribute ${name}`);
    }
    // Styling is by attributes; the content security policy would block this one anyway.
    if (localName === "style") element.removeAttribute(name);
  }
}
