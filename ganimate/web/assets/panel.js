// The sliders: one for each action unit, in the regions of the face, and pads for head and eyes. A mark shows what the
// photo itself shows. The sides of an AU are one slider until they are unlinked; words are those of the grammar.
const regions = element.querySelector(".regions");
const rows = {};
const units = {};
const pads = [];
let own = {};
let values = {};
let face;  // whose sliders these are: another may have been chosen while one of them still moves

const whole = (word) => word.replace(/^(\d+)[LR]$/, "$1");
const shown = (word) => values[word] ?? values[whole(word)] ?? own[word] ?? own[whole(word)] ?? 0;

function send(done) {
  props.value = { face, values: { ...values } };
  trigger("input");
  if (done) trigger("release");
}

function set(changes) {
  values = { ...values };
  for (const [word, value] of Object.entries(changes)) {
    if (value === undefined) delete values[word];
    else values[word] = value;
  }
  refresh();
}

function refresh() {
  for (const unit of Object.values(units)) {
    const split = `${unit.word}L` in values || `${unit.word}R` in values || unit.split;
    unit.line.classList.toggle("split", Boolean(split));
    if (unit.link) unit.link.setAttribute("aria-pressed", String(!split));
  }
  for (const [word, row] of Object.entries(rows)) {
    const value = shown(word);
    if (Number(row.slider.value) !== value) row.slider.value = value;
    row.number.textContent = row.degrees ? `${Math.round(value)}°` : value.toFixed(2);
    const mark = own[word] ?? own[whole(word)] ?? 0;
    row.mark.style.setProperty("--own", (mark - row.least) / (row.most - row.least));
    row.line.classList.toggle("changed", word in values);
    row.reset.disabled = !(word in values);
    row.slider.disabled = !Object.keys(own).length;
  }
  for (const pad of pads) pad.place();
}

function button(name, text, title) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.textContent = text;
  made.title = title;
  made.setAttribute("aria-label", title);
  return made;
}

function row(unit, word, text, small) {
  const line = document.createElement("div");
  line.className = "unit";
  line.title = unit.muscle ? `${unit.label}: ${unit.name} (${unit.muscle})` : unit.name;
  line.innerHTML = '<label><small></small><span></span></label><div class="track"><i class="mark"></i>'
    + '<input type="range"></div><output></output>';
  const [least, most, step] = unit.range ?? [0, 1, 0.01];
  const slider = line.querySelector("input");
  const reset = button("reset", "↺", `${text} as in the photo`);
  line.append(reset);
  line.querySelector("small").textContent = small;
  line.querySelector("span").textContent = text;
  Object.assign(slider, { min: least, max: most, step });
  slider.dataset.word = word;
  slider.setAttribute("aria-label", `${unit.label ?? ""} ${text}`.trim());
  slider.addEventListener("input", () => {
    set({ [word]: Number(slider.value) });
    send(false);
  });
  slider.addEventListener("change", () => trigger("release"));
  reset.addEventListener("click", () => {
    set({ [word]: undefined });
    send(true);
  });
  rows[word] = {
    line, slider, reset, least, most, degrees: Boolean(unit.range),
    number: line.querySelector("output"), mark: line.querySelector(".mark"),
  };
  return line;
}

function sided(unit) {
  const group = document.createElement("div");
  group.className = "sided";
  const both = row(unit, unit.word, unit.name, unit.word);
  both.classList.add("both");
  const sides = [["L", "left"], ["R", "right"]].map(([side, name]) => {
    const line = row(unit, unit.word + side, `${unit.name}, ${name}`, unit.word + side);
    line.classList.add("side");
    return line;
  });
  const link = button("link", "⚭", `${unit.name}: left and right together`);
  link.addEventListener("click", () => {
    const [left, right] = [`${unit.word}L`, `${unit.word}R`];
    const held = units[unit.word];
    if (group.classList.contains("split")) {
      held.split = false;
      const changed = left in values || right in values;
      const mean = Math.round(50 * (shown(left) + shown(right))) / 100;
      set({ [left]: undefined, [right]: undefined, [unit.word]: changed ? mean : values[unit.word] });
    } else {
      held.split = true;
      const value = values[unit.word];
      set({ [unit.word]: undefined, [left]: value, [right]: value });
    }
    send(true);
  });
  group.append(both, ...sides, link);
  units[unit.word] = { word: unit.word, line: group, link, split: false };
  return group;
}

function pad(across, up, name) {
  const box = document.createElement("div");
  box.className = "pad";
  box.title = `${name}: drag`;
  const dot = document.createElement("i");
  box.append(dot);
  function drag(event) {
    const area = box.getBoundingClientRect();
    const share = (at, begin, size) => Math.min(1, Math.max(0, (at - begin) / size));
    const to = (word, part) => Math.round(rows[word].least + part * (rows[word].most - rows[word].least));
    const x = share(event.clientX, area.left, area.width);
    const y = share(event.clientY, area.top, area.height);
    set({ [across]: to(across, x), [up]: to(up, 1 - y) });
    send(false);
  }
  box.addEventListener("pointerdown", (event) => {
    if (!Object.keys(own).length) return;
    box.setPointerCapture(event.pointerId);
    drag(event);
  });
  box.addEventListener("pointermove", (event) => { if (box.hasPointerCapture(event.pointerId)) drag(event); });
  box.addEventListener("pointerup", () => trigger("release"));
  pads.push({
    place() {
      const part = (word) => (shown(word) - rows[word].least) / (rows[word].most - rows[word].least);
      dot.style.left = `${100 * part(across)}%`;
      dot.style.top = `${100 * (1 - part(up))}%`;
    },
  });
  return box;
}

for (const [region, members] of Object.entries(props.regions)) {
  const box = document.createElement("fieldset");
  const legend = document.createElement("legend");
  legend.textContent = region;
  box.append(legend, ...members.map((unit) => (unit.sides ? sided(unit) : row(unit, unit.word, unit.name, unit.small ?? unit.word))));
  const turns = members.filter((unit) => unit.range);
  if (turns.length > 1) legend.after(pad(turns[0].word, turns[1].word, region));
  regions.append(box);
}

element.querySelector(".reset-all").addEventListener("click", () => {
  values = {};
  for (const unit of Object.values(units)) unit.split = false;
  refresh();
  send(true);
});

function take(value) {
  if (!value) return;
  if (value.own) own = value.own;
  if (value.face) element.querySelector(".panel").dataset.face = face = value.face;
  if (value.values) values = { ...value.values };
  refresh();
}

watch("value", () => take(props.value));
take(props.value);
refresh();
