// Finds the first element that can be seen, with a role and a name that begins as given. Names are what assistive
// technology would say, as far as our window needs it.
const [role, wanted] = arguments;
const roles = {
  button: "button, [role=button], summary",
  textbox: "input:not([type]), input[type=text], input[type=password], input[type=search], input[type=url], textarea",
  radio: "input[type=radio]",
  checkbox: "input[type=checkbox], [role=switch]",
  combobox: "select",
  heading: "h1, h2, h3, h4, [role=heading]",
  dialog: "dialog, [role=dialog]",
  img: "img, [role=img]",
  link: "a[href]",
  status: "[role=status]",
  region: "section[aria-label], [role=region]",
};
const words = (text) => (text ?? "").replace(/\s+/g, " ").trim();
// What is hidden from assistive technology is nobody's name.
function spoken(element) {
  const copy = element.cloneNode(true);
  for (const hidden of copy.querySelectorAll("[aria-hidden=true]")) hidden.remove();
  return words(copy.textContent);
}
function name(element) {
  const labelled = element.getAttribute("aria-labelledby");
  if (labelled) {
    const parts = labelled.split(" ").map((id) => document.getElementById(id)?.textContent);
    return words(parts.join(" "));
  }
  if (element.hasAttribute("aria-label")) return words(element.getAttribute("aria-label"));
  if (element.labels?.length) return words(element.labels[0].textContent);
  return spoken(element) || words(element.getAttribute("title"));
}
const seen = (element) => {
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.height > 0 && getComputedStyle(element).visibility !== "hidden";
};
for (const element of document.querySelectorAll(roles[role] ?? `[role=${role}]`)) {
  // A radio button may be drawn by its label.
  if ((role === "radio" || role === "checkbox" || seen(element)) && name(element).startsWith(wanted)) return element;
}
return null;
