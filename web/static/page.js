// A little help for those who have JavaScript; every page works without.
"use strict";

// Search as you type: ask for the same page, put its results in the place of ours.
for (const form of document.querySelectorAll("form[data-live]")) {
  const place = () => document.getElementById(form.dataset.live);
  let waiting, asked;
  const address = () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
    return `${form.getAttribute("action")}?${query}`;
  };
  const show = async () => {
    asked?.abort();
    asked = new AbortController();
    const target = address();
    try {
      const answer = await fetch(target, { signal: asked.signal, headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById(form.dataset.live);
      if (!found) return;
      place().replaceWith(found);
      history.replaceState(null, "", target);
      countChosen();
    } catch (error) {
      if (error.name !== "AbortError") form.submit();
    }
  };
  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(show, event.target.type === "search" ? 220 : 30);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(waiting); show(); });
}

// "/" goes to the search, "n" and "p" to the page after and before.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const search = document.querySelector("main input[type=search]") ?? document.querySelector("input[type=search]");
  if (event.key === "/" && search) { event.preventDefault(); search.focus(); search.select(); }
  if (event.key === "n") document.querySelector("a[rel=next]")?.click();
  if (event.key === "p") document.querySelector("a[rel=prev]")?.click();
});
for (const line of document.querySelectorAll("[data-keys]")) line.hidden = false;

// How many are chosen, and all of them at once.
const ticks = () => [...document.querySelectorAll("input[name=change][type=checkbox]")];
function countChosen() {
  const told = document.querySelector("[data-chosen]");
  if (!told) return;
  const chosen = ticks().filter((tick) => tick.checked).length;
  told.textContent = chosen === 1 ? "1 change chosen" : `${chosen} changes chosen`;
}
document.addEventListener("change", (event) => { if (event.target.name === "change") countChosen(); });
const all = document.querySelector("[data-choose-all]");
if (all) {
  all.hidden = false;
  all.addEventListener("click", () => {
    const every = ticks();
    const choose = every.some((tick) => !tick.checked);
    for (const tick of every) tick.checked = choose;
    countChosen();
  });
}
countChosen();

// A look that is going on is followed, and the page is fetched again when it has ended.
const progress = document.querySelector("[data-progress][data-running]");
if (progress) {
  const source = new EventSource(progress.dataset.progress);
  source.addEventListener("message", (event) => {
    const told = JSON.parse(event.data);
    for (const look of told.lists) {
      const line = progress.querySelector(`[data-list="${CSS.escape(look.list)}"] span`);
      if (!line) continue;
      const counts = Object.entries(look.counts).map(([kind, count]) => `${count} ${kind}`).join(", ");
      line.textContent = (look.outcome ?? look.step) + (counts ? ` (${counts})` : "") + (look.reason ? `. ${look.reason}` : "");
    }
  });
  source.addEventListener("end", () => { source.close(); location.reload(); });
}

// The search of a published folder: its small index came with the page.
const words = document.getElementById("words");
if (words && window.countersignIndex) {
  const found = document.getElementById("found");
  const look = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = wanted.length === 0 ? [] : window.countersignIndex.filter((entry) => {
      const text = [entry[0], entry[1], ...entry.slice(3)].join(" ").toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
    found.replaceChildren(...hits.slice(0, 100).map(([name, state, address]) => {
      const line = document.createElement("li");
      const link = document.createElement("a");
      link.href = address;
      link.textContent = state ? `${name} (${state})` : name;
      line.append(link);
      return line;
    }));
  };
  words.disabled = false;
  words.value = new URLSearchParams(location.search).get("q") ?? "";
  words.addEventListener("input", look);
  words.focus();
  look();
}

// Tables sort by the column whose heading is pressed: by number where its cells are numbers, by date, else by text.
for (const table of document.querySelectorAll("table[data-sort]")) {
  const value = (row, at) => {
    const cell = row.cells[at];
    const text = cell?.querySelector("time")?.dateTime ?? cell?.textContent.trim() ?? "";
    const number = text.replace(/[,\u2212]/g, (sign) => (sign === "," ? "" : "-"));
    return number !== "" && !isNaN(number) ? Number(number) : text;
  };
  table.querySelectorAll("thead th").forEach((heading) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const falls = heading.getAttribute("aria-sort") === "ascending" || (!heading.ariaSort && heading.classList.contains("num"));
      table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", falls ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => {
        const [one, other] = [value(a, heading.cellIndex), value(b, heading.cellIndex)];
        const order = typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
        return falls ? -order : order;
      });
      body.append(...rows);
    });
  });
}

// Beside a time in UTC stands the same moment where the reader is.
const offset = new Date().getTimezoneOffset();
if (offset !== 0) {
  const local = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
  for (const time of document.querySelectorAll("time[data-clock]")) {
    const beside = document.createElement("span");
    beside.className = "here-time";
    beside.textContent = ` (${local.format(new Date(time.dateTime))})`;
    time.append(beside);
  }
}
