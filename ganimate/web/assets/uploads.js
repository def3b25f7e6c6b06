// Files over the limit are refused where they are chosen, in the words of the server, before they are sent.
(() => {
  const told = { photo: "photo-told", clip: "repeat-told", recorded: "repeat-told", "open-timeline": "timeline-told" };
  function look(event, files) {
    const from = Object.keys(told).find((id) => event.target.closest?.(`#${id}`));
    if (!from || !files?.length) return;
    const place = document.getElementById(told[from]);
    place.querySelector(".too-large")?.remove();
    const large = [...files].find((file) => file.size > LIMIT_BYTES);
    if (!large) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.type === "change") event.target.value = ""; // so that choosing it again is heard
    const box = document.createElement("div");
    box.className = "trouble too-large";
    box.setAttribute("role", "alert");
    const megabytes = Math.ceil(large.size / 1e6);
    const hint = document.createElement("span");
    hint.className = "hint";
    hint.textContent = "hint: cut or reduce it first";
    box.append(
      `error: '${large.name}' has ${megabytes} MB, more than the limit of ${LIMIT_BYTES / 1e6} MB`,
      document.createElement("br"), hint,
    );
    place.append(box);
  }
  document.addEventListener("change", (event) => look(event, event.target.files), true);
  document.addEventListener("drop", (event) => look(event, event.dataTransfer?.files), true);
})();
