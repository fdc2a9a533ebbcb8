// Small pieces of page. Names of files and classes come from outside: they are only ever put in as
// text, never as HTML.

function make(tag, classes = "", text = "", attributes = {}) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  if (text !== "") node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function keycap(text) {
  return make("kbd", "key", text);
}

function button(text, key, title, act) {
  const node = make("button", "button", text, { type: "button", title, "aria-label": title });
  if (key) node.append(keycap(key));
  // a focused button would swallow the space bar
  node.addEventListener("mousedown", (event) => event.preventDefault());
  node.addEventListener("click", act);
  return node;
}

function choice(title, act) {
  const label = make("label", "choice", title);
  const select = make("select", "", "", { "aria-label": title });
  select.addEventListener("change", () => {
    act(select.value);
    select.blur(); // keys are for labels again
  });
  label.append(select);
  return { label, select };
}

function fillChoice(select, options, value) {
  select.replaceChildren(
    ...options.map(({ key, title, usable = true }) => {
      const option = make("option", "", title, { value: key });
      option.disabled = !usable;
      return option;
    }),
  );
  select.value = options.some((o) => o.key === value) ? value : (options[0]?.key ?? "");
}

function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function kept(storage, key, otherwise) {
  try {
    const text = storage.getItem(`fieldmark.${key}`);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise; // storage is off, as in a private window
  }
}

function keep(storage, key, value) {
  try {
    storage.setItem(`fieldmark.${key}`, JSON.stringify(value));
  } catch {
    // as above; then settings last as long as the page
  }
}

// A question over everything else; `options` gives what may be picked for the text so far.
function ask(root, { title, value = "", options = () => [], placeholder = "" }) {
  return new Promise((resolve) => {
    const shade = make("div", "shade");
    const box = make("form", "dialog", "", { role: "dialog", "aria-label": title });
    const input = make("input", "", "", { placeholder, "aria-label": title, maxlength: 200 });
    const list = make("div", "options");
    let found = [];
    let at = 0;
    const end = (answer) => {
      shade.remove();
      resolve(answer);
    };
    const draw = () => {
      found = options(input.value.trim()).slice(0, 12);
      at = Math.min(at, Math.max(found.length - 1, 0));
      list.replaceChildren(
        ...found.map((option, i) => {
          const row = make("button", i === at ? "option at" : "option", option.title, { type: "button" });
          row.addEventListener("click", () => end(option.value));
          return row;
        }),
      );
    };
    input.value = value;
    input.addEventListener("input", () => {
      at = 0;
      draw();
    });
    box.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") end(null);
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        at = Math.max(0, Math.min(found.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)));
        draw();
      }
    });
    box.addEventListener("submit", (event) => {
      event.preventDefault();
      end(found.length ? found[at].value : input.value.trim() || null);
    });
    shade.addEventListener("mousedown", (event) => event.target === shade && end(null));
    box.append(make("h2", "", title), input, list);
    shade.append(box);
    root.append(shade);
    draw();
    input.focus();
    input.select();
  });
}
