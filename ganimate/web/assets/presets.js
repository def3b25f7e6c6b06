// Presets: a button each, at the intensity that is set beside them.
const intensity = element.querySelector("input");
const buttons = element.querySelector(".buttons");
intensity.addEventListener("input", () => { element.querySelector("output").textContent = Number(intensity.value); });
for (const preset of props.presets) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = preset.name.replaceAll("-", " ");
  button.title = preset.source;
  button.addEventListener("click", () => {
    props.value = { preset: preset.name, intensity: Number(intensity.value), times: (props.value?.times ?? 0) + 1 };
    trigger("click");
  });
  buttons.append(button);
}
