// Through a year of maps: each county and town says in which lists it stood.
"use strict";

const slide = document.querySelector("[data-slide]");
if (slide && slide.dataset.days.includes("|")) {
  const days = slide.dataset.days.split("|");
  const range = slide.querySelector("input"), told = slide.querySelector("output"), play = slide.querySelector("button");
  const drawn = [...document.querySelectorAll(".map [data-spans]")].map((shape) => [
    shape, shape.dataset.spans.split(" ").map((span) => span.split("-").map(Number)),
  ]);
  const show = () => {
    const frame = Number(range.value);
    for (const [shape, spans] of drawn) {
      const there = spans.some(([since, until]) => since <= frame && frame < until);
      if (there) shape.removeAttribute("display"); else shape.setAttribute("display", "none");
    }
    told.textContent = days[frame];
    range.setAttribute("aria-valuetext", days[frame]);
  };
  let going;
  const stop = () => { clearInterval(going); going = undefined; play.textContent = "Play the year"; };
  range.addEventListener("input", () => { stop(); show(); });
  play.addEventListener("click", () => {
    if (going) return stop();
    if (Number(range.value) === days.length - 1) range.value = 0;
    play.textContent = "Stop";
    going = setInterval(() => {
      if (Number(range.value) === days.length - 1) return stop();
      range.value = Number(range.value) + 1;
      show();
    }, matchMedia("(prefers-reduced-motion: reduce)").matches ? 900 : 160);
  });
  slide.hidden = false;
}
