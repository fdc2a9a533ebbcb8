// Which key does what. Digits and the letters that no command has are for classes.

const COMMANDS = {
  Backspace: ["undo", "undo"],
  s: ["skip", "skip, ask again later"],
  u: ["unsure", "unsure: cannot tell"],
  x: ["exclude", "exclude the image"],
  v: ["validation", "keep for validation, or not"],
  a: ["accept", "accept the first suggestion"],
  "/": ["find", "find or add a class by name"],
  b: ["burst", "the whole burst at once"],
  n: ["nearest", "order by likeness to this image"],
  g: ["grid", "grid, or one image"],
  f: ["parts", "crop and frame, crop, frame"],
  h: ["hints", "hide or show suggestions"],
  j: ["jump", "jump to an image by number or name"],
  ArrowLeft: ["left", "back to the image before; in the grid move"],
  ArrowRight: ["right", "in the grid move; otherwise skip"],
  ArrowUp: ["up", "in the grid move"],
  ArrowDown: ["down", "in the grid move"],
  " ": ["choose", "in the grid choose or not"],
  e: ["all", "in the grid choose all or none"],
  Enter: ["next", "next page; with several classes an image: save"],
  0: ["none", "with several classes an image: none of them"],
  "+": ["closer", "zoom in (or the wheel)"],
  "-": ["farther", "zoom out"],
  "]": ["brighter", "brighter"],
  "[": ["darker", "darker"],
  r: ["reset", "zoom and brightness back"],
  "?": ["help", "these keys"],
};
const LETTERS = [..."qwtyiopdklzcm"];

// Keys of the first classes: 1 to 9, 0, letters, then shift with a digit.
function classKeys(several) {
  const digits = [..."1234567890"].slice(0, several ? 9 : 10);
  return [...digits, ...LETTERS, ...digits.map((digit) => `⇧${digit}`)];
}

// The class key of an event; by place on the keyboard, whatever the layout makes of it.
function keyOf(event) {
  if (event.shiftKey && /^Digit\d$/.test(event.code)) return `⇧${event.code.slice(5)}`;
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function helpPanel(several) {
  const shade = make("div", "shade help");
  const box = make("div", "dialog", "", { role: "dialog", "aria-label": "Keys" });
  const list = make("div", "keys");
  const names = { " ": "space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
  const rows = [["1 … 9", "label with that class and go on"], ["⇧ click", "in the grid: from the last one to here"]];
  for (const [key, [command, text]] of Object.entries(COMMANDS)) {
    if (command === "none" && !several) continue;
    rows.push([names[key] ?? key, text]);
  }
  for (const [key, text] of rows) list.append(keycap(key), make("span", "", text));
  box.append(make("h2", "", "Keys"), list);
  shade.append(box);
  shade.addEventListener("click", () => shade.remove());
  return shade;
}
