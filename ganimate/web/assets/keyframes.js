// The keyframes of the timeline: a dot for each on a track, and a row in which its time, way and hold can be changed.
// The text beside them stays what is played and saved: every change goes to the server, which writes it there.
const track = element.querySelector(".track");
const list = element.querySelector("ol");
let keyframes = [];
let drawn = "[]"; // the keyframes that are to be seen, as text
let shown = -1;

function send(event, chosen) {
  props.value = { keyframes, chosen, times: (props.value?.times ?? 0) + 1 };
  trigger(event);
}

function field(name, label, made, value, change) {
  const line = document.createElement("label");
  line.className = name;
  line.append(label, made);
  made.value = value;
  made.setAttribute("aria-label", label);
  made.addEventListener("change", () => change(made.value));
  return line;
}

function number(step) {
  const made = document.createElement("input");
  Object.assign(made, { type: "number", min: 0, step });
  return made;
}

function choice(names) {
  const made = document.createElement("select");
  made.append(...names.map((name) => new Option(name, name)));
  return made;
}

function button(text, title, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", title);
  made.title = title;
  made.addEventListener("click", press);
  return made;
}

function change(place, part) {
  keyframes = keyframes.map((keyframe, n) => (n === place ? { ...keyframe, ...part } : keyframe));
  send("input");
}

function row(keyframe, place) {
  const line = document.createElement("li");
  const name = `keyframe ${place + 1}`;
  const told = document.createElement("code");
  told.textContent = keyframe.expression;
  line.append(
    field("time", "at", number(0.1), keyframe.time, (value) => change(place, { time: Number(value) })),
    told,
    field("easing", "way there", choice(props.easings), keyframe.easing, (value) => change(place, { easing: value })),
    field("hold", "hold", number(0.1), keyframe.hold, (value) => change(place, { hold: Number(value) })),
    button("Show", `show ${name} on the sliders`, () => choose(place)),
    button("Remove", `remove ${name}`, () => {
      keyframes = keyframes.filter((_, n) => n !== place);
      shown = -1;
      draw();
      (list.children[Math.min(place, keyframes.length - 1)] ?? track).querySelector("button")?.focus();
      send("input");
    }),
  );
  return line;
}

function choose(place) {
  shown = place;
  mark();
  send("select", place);
}

function mark() {
  [...list.children].forEach((line, place) => line.classList.toggle("shown", place === shown));
  [...track.children].forEach((dot, place) => dot.setAttribute("aria-pressed", String(place === shown)));
}

// Whoever works with the keyboard stays in the field, though its row is drawn anew, and elsewhere when its time changed.
function focused() {
  const line = document.activeElement?.closest?.("li");
  if (!line || !list.contains(line)) return () => {};
  const place = [...list.children].indexOf(line);
  const control = [...line.querySelectorAll("input, select, button")].indexOf(document.activeElement);
  const kept = JSON.stringify(JSON.parse(drawn)[place]?.expression);
  return () => {
    const same = keyframes.findIndex((keyframe) => JSON.stringify(keyframe.expression) === kept);
    const at = JSON.stringify(keyframes[place]?.expression) === kept ? place : same;
    list.children[at]?.querySelectorAll("input, select, button")[control]?.focus();
  };
}

function draw() {
  const restore = focused();
  drawn = JSON.stringify(keyframes);
  const last = Math.max(1, ...keyframes.map((keyframe) => keyframe.time + keyframe.hold));
  list.replaceChildren(...keyframes.map(row));
  track.replaceChildren(...keyframes.map((keyframe, place) => {
    const dot = button("", `keyframe ${place + 1}, at ${keyframe.time} seconds`, () => choose(place));
    dot.style.left = `${(100 * keyframe.time) / last}%`;
    dot.style.setProperty("--hold", keyframe.hold / last);
    return dot;
  }));
  element.querySelector(".none").hidden = keyframes.length > 0;
  mark();
  restore();
}

function take(value) {
  if (!value?.keyframes) return;
  keyframes = value.keyframes;
  if (JSON.stringify(keyframes) !== drawn) draw();
}

watch("value", () => take(props.value));
take(props.value);
draw();
