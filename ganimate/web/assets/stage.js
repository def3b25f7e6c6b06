// The picture: the photo below, the edited one above it, a curtain between them, and a button on each face.
const before = element.querySelector(".before");
const after = element.querySelector(".after");
const boxes = element.querySelector(".boxes");
const curtain = element.querySelector(".curtain input");
const frame = element.querySelector(".frame");

function draw(value) {
  if (!value) return;
  if (value.photo) before.src = value.photo;
  if (value.frame) after.src = value.frame;
  frame.classList.toggle("empty", !after.getAttribute("src"));
  if (value.boxes) {
    boxes.replaceChildren(...(value.boxes.length > 1 ? value.boxes : []).map((box, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = place + 1;
      button.dataset.face = place + 1;
      button.title = `work on face ${place + 1}`;
      button.setAttribute("aria-label", button.title);
      button.style.left = `${box.left * 100}%`;
      button.style.top = `${box.top * 100}%`;
      button.style.width = `${(box.right - box.left) * 100}%`;
      button.style.height = `${(box.bottom - box.top) * 100}%`;
      button.addEventListener("click", () => {
        props.value = { chosen: place + 1 };
        draw(props.value);
        trigger("select");
      });
      return button;
    }));
  }
  if (value.chosen) {
    for (const button of boxes.children) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.face) === value.chosen));
    }
  }
}

before.addEventListener("load", () => {
  frame.style.setProperty("--aspect", before.naturalWidth / before.naturalHeight);
});
curtain.addEventListener("input", () => frame.style.setProperty("--curtain", `${curtain.value}%`));
watch("value", () => draw(props.value));
draw(props.value);
