import { expect, test } from "vitest";

import { parseSvg } from "../src/lib/svg";

const svg = (inside: string, attributes = ""): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10" ${attributes}>${inside}</svg>`;

test("a drawing is taken in as it is", () => {
  const text = svg(
    '<g clip-path="url(#c)"><polyline points="0,0 1,1" stroke="#fff"/><text>a &lt;script&gt; b</text></g>',
  );
  const element = parseSvg(text);
  expect(element.querySelector("polyline")?.getAttribute("points")).toBe("0,0 1,1");
  expect(element.querySelector("text")?.textContent).toBe("a <script> b");
});

test("a style attribute is taken off", () => {
  expect(parseSvg(svg('<rect style="fill:red"/>')).querySelector("rect")?.hasAttribute("style")).toBe(false);
});

test.each([
  ["a script", svg("<script>alert(1)</script>")],
  ["HTML inside", svg('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>')],
  ["HTML without a wrapper", svg('<p xmlns="http://www.w3.org/1999/xhtml">x</p>')],
  ["a handler", svg('<rect onclick="alert(1)"/>')],
  ["a handler on the root", svg("", 'onload="alert(1)"')],
  ["a link", svg('<text href="https://evil.example">x</text>')],
  ["a namespaced link", svg('<text xmlns:l="http://www.w3.org/1999/xlink" l:href="#x">x</text>')],
  ["an anchor", svg("<a><text>x</text></a>")],
  ["an image", svg('<image href="https://evil.example/x.png"/>')],
  ["an animation", svg('<rect><animate attributeName="x"/></rect>')],
  ["a remote reference", svg('<rect fill="url(https://evil.example/x#y)"/>')],
  ["a style sheet", svg("<style>@import 'x'</style>")],
  ["what is cut off", "<svg><g><rect/>"],
  ["what is cut off in a tag", '<svg><g><rect x="'],
  ["more than one drawing", svg("") + svg("")],
  ["a drawing within HTML", `<div>${svg("")}</div>`],
  ["another document", '<p xmlns="http://www.w3.org/1999/xhtml">x</p>'],
  ["nothing", ""],
])("%s is refused", (_, text) => expect(() => parseSvg(text)).toThrow());
