// The sliders: one for each action unit, in the regions of the face; a mark shows what the photo itself shows.
const regions = element.querySelector(".regions");
const rows = {};
let own = {};
let values = {};

function send() {
  props.value = { values: { ...values } };
  trigger("input");
}

function shown(word) {
  return values[word] ?? own[word] ?? 0;
}

function refresh() {
  for (const [word, row] of Object.entries(rows)) {
    const value = shown(word);
    if (document.activeElement !== row.slider || Number(row.slider.value) !== value) row.slider.value = value;
    row.number.textContent = value.toFixed(2);
    row.mark.style.setProperty("--own", own[word] ?? 0);
    row.line.classList.toggle("changed", word in values);
    row.reset.disabled = !(word in values);
    row.slider.disabled = row.reset.disabled && !Object.keys(own).length;
  }
}

function row(unit) {
  const line = document.createElement("div");
  line.className = "unit";
  line.title = `${unit.label}: ${unit.name} (${unit.muscle})`;
  line.innerHTML = '<label></label><div class="track"><i class="mark"></i><input type="range" min="0" max="1" step="0.01"></div>'
    + '<output></output><button type="button" class="reset">↺</button>';
  const slider = line.querySelector("input");
  const reset = line.querySelector(".reset");
  const number = document.createElement("small");
  number.textContent = unit.word;
  line.querySelector("label").append(number, unit.name);
  slider.dataset.word = unit.word;
  slider.setAttribute("aria-label", `${unit.label}, ${unit.name}`);
  reset.title = "as in the photo";
  reset.setAttribute("aria-label", `${unit.name} as in the photo`);
  slider.addEventListener("input", () => {
    values = { ...values, [unit.word]: Number(slider.value) };
    refresh();
    send();
  });
  slider.addEventListener("change", () => trigger("release"));
  slider.addEventListener("dblclick", () => reset.click());
  reset.addEventListener("click", () => {
    const { [unit.word]: _, ...others } = values;
    values = others;
    refresh();
    send();
    trigger("release");
  });
  rows[unit.word] = { line, slider, reset, number: line.querySelector("output"), mark: line.querySelector(".mark") };
  return line;
}

for (const [region, units] of Object.entries(props.regions)) {
  const box = document.createElement("fieldset");
  const legend = document.createElement("legend");
  legend.textContent = region;
  box.append(legend, ...units.map(row));
  regions.append(box);
}

element.querySelector(".reset-all").addEventListener("click", () => {
  values = {};
  refresh();
  send();
  trigger("release");
});

function take(value) {
  if (!value) return;
  if (value.own) own = value.own;
  if (value.values) values = { ...value.values };
  refresh();
}

watch("value", () => take(props.value));
take(props.value);
refresh();
