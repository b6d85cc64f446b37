/* Steps through a spike raster: slider, buttons, arrow keys. Without this file all steps stand on the page. */
(() => {
  "use strict";

  function button(name, text, press) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-label", name);
    made.addEventListener("click", press);
    return made;
  }

  function stepper(raster) {
    const last = Number(raster.dataset.steps);
    const steps = [...raster.querySelectorAll(".raster-step")];
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: 1, max: last, step: 1, value: 1 });
    slider.setAttribute("aria-label", "Time step");
    const told = document.createElement("output");
    const every = document.createElement("input");
    every.type = "checkbox";

    function show(step) {
      slider.value = Math.min(Math.max(step, 1), last);
      const now = slider.value;
      slider.setAttribute("aria-valuetext", `step ${now} of ${last}`);
      told.textContent = every.checked ? `all ${last} steps` : `step ${now} of ${last}`;
      raster.classList.toggle("stepping", !every.checked);
      steps.forEach((each) => { each.hidden = !every.checked && each.dataset.step !== now; });
      raster.querySelectorAll("circle").forEach((dot) => dot.classList.toggle("now", !every.checked && dot.dataset.step === now));
      back.disabled = every.checked || now === "1";
      on.disabled = every.checked || now === String(last);
      slider.disabled = every.checked;
    }

    const back = button("Previous step", "◀", () => show(Number(slider.value) - 1));
    const on = button("Next step", "▶", () => show(Number(slider.value) + 1));
    slider.addEventListener("input", () => show(Number(slider.value)));
    every.addEventListener("change", () => show(Number(slider.value)));

    const label = document.createElement("label");
    label.append(every, " all steps");
    const bar = document.createElement("div");
    bar.className = "raster-controls";
    bar.append(back, slider, on, told, label);
    raster.querySelector(".raster-steps").before(bar);

    /* Arrow keys anywhere in the raster; the slider has its own. */
    raster.addEventListener("keydown", (event) => {
      const change = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!change || event.target === slider || every.checked || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      show(Number(slider.value) + change);
    });
    show(1);
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".raster").forEach(stepper));
})();
