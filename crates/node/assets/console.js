// The console's script: local times, running clocks, copy buttons, keys, live rows, checks while
// typing. Every page reads and every form posts without it. No dependency, nothing from elsewhere.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);

  // -- Said aloud ---------------------------------------------------------------------------------
  let toSay = [];
  let saying = 0;
  const say = (words) => {
    toSay.push(words);
    clearTimeout(saying);
    saying = setTimeout(() => {
      const kept = toSay.slice(-3);
      const more = toSay.length - kept.length;
      one("#said").textContent = kept.join(". ") + (more > 0 ? `. And ${more} more.` : "");
      toSay = [];
    }, 600);
  };

  // -- Times --------------------------------------------------------------------------------------
  const two = (number) => String(number).padStart(2, "0");
  const zone = (() => {
    const parts = new Intl.DateTimeFormat("en", { timeZoneName: "short" }).formatToParts(new Date());
    return parts.find((part) => part.type === "timeZoneName")?.value ?? "local";
  })();
  const span = (ms) => {
    const s = Math.floor(ms / 1000);
    if (s < 90) return `${s} s`;
    if (s < 5400) return `${Math.floor(s / 60)} min`;
    if (s < 172800) return `${Math.floor(s / 3600)} h`;
    return `${Math.floor(s / 86400)} d`;
  };
  const put = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const show = (element) => {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) return;
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const away = at.getTime() - Date.now();
    switch (element.dataset.show) {
      case "clock": return put(element, clock);
      case "full": return put(element, `${day} ${clock} ${zone}`);
      case "ago": return put(element, `${span(Math.max(0, -away))} ago`);
      case "left":
        element.classList.toggle("over", away < 0);
        return put(element, away < 0 ? `${span(-away)} over` : `${span(away)} left`);
    }
  };
  const showTimes = (within = document) => {
    all("time[data-show]", within).forEach(show);
    all("[data-zone]", within).forEach((element) => put(element, zone));
  };
  // On paper a time is UTC: it will be read elsewhere.
  const showUtc = () => {
    all("time[data-show]").forEach((element) => put(element, element.title));
    all("[data-zone]").forEach((element) => put(element, "UTC"));
  };

  // -- Copy ---------------------------------------------------------------------------------------
  const copy = async (button) => {
    try {
      const target = button.dataset.copyFrom ? one(button.dataset.copyFrom).textContent : button.dataset.copy;
      await navigator.clipboard.writeText(target);
      const before = button.textContent;
      button.textContent = "copied";
      say("copied");
      setTimeout(() => { button.textContent = before; }, 1500);
    } catch {
      say("copying is not allowed here; select the text instead");
    }
  };

  // -- Keys ---------------------------------------------------------------------------------------
  const keysAreOn = () => {
    try { return localStorage.getItem("keys") !== "off"; } catch { return true; }
  };
  const typing = (target) => target instanceof Element &&
    target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") !== null;
  let going = 0;
  const move = (step) => {
    const rows = all("[data-row]").filter((row) => row.offsetParent !== null);
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    const next = here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step;
    const link = rows[next] && one("a", rows[next]);
    if (link) {
      link.focus();
      link.scrollIntoView({ block: "nearest" });
    }
  };
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && typing(event.target)) return event.target.blur();
    if (typing(event.target) || !keysAreOn() || one("dialog[open]")) return;
    if (Date.now() - going < 1500) {
      going = 0;
      const link = all("[data-key]").find((entry) => entry.dataset.key === event.key);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    switch (event.key) {
      case "/": event.preventDefault(); return one("#search")?.focus();
      case "j": return move(1);
      case "k": return move(-1);
      case "g": going = Date.now(); return;
      case "?": event.preventDefault(); return one("#keys")?.showModal();
    }
  };

  // -- The live desk ------------------------------------------------------------------------------
  const live = (desk) => {
    const rows = one("[data-rows] tbody", desk);
    const max = Number(one("[data-rows]", desk).dataset.max);
    const pulse = one("[data-pulse]", desk);
    const shower = one("[data-show-held]", desk);
    const held = new Map();
    let heldParts = new Map();
    let folded = false;
    const today = one(".today", desk);
    const busy = (area) => area.matches(":hover") || area.contains(document.activeElement);
    const parse = (html) => {
      const box = document.createElement("template");
      box.innerHTML = html;
      showTimes(box.content);
      return box.content.firstElementChild;
    };
    const tell = () => {
      shower.hidden = held.size === 0;
      shower.textContent = `Show ${held.size} new`;
      put(pulse, held.size === 0 ? "Live" : "New rows wait while you are here.");
    };
    const place = (row) => {
      if (!folded && rows.firstElementChild) {
        rows.firstElementChild.classList.add("folded");
        folded = true;
      }
      rows.prepend(row);
      one(".today .empty")?.remove();
      while (rows.children.length > max) rows.lastElementChild.remove();
    };
    const release = () => {
      held.forEach(place);
      held.clear();
      tell();
    };
    const onRow = (event) => {
      const fresh = parse(event.data);
      if (!fresh) return;
      const old = document.getElementById(fresh.id);
      if (old) {
        // In place: cells change, nothing moves; a focused link stays the same element.
        [...fresh.cells].forEach((cell, index) => {
          const was = old.cells[index];
          if (was && was.innerHTML !== cell.innerHTML && !was.contains(document.activeElement)) {
            was.innerHTML = cell.innerHTML;
          }
        });
        return;
      }
      if (!primed) return place(fresh);
      say(fresh.innerText.replace(/\s+/g, " ").trim() || fresh.textContent.replace(/\s+/g, " ").trim());
      if (busy(today)) held.set(fresh.id, fresh);
      else place(fresh);
      tell();
    };
    const onPart = (name) => (event) => {
      const part = one(`[data-part=${name}]`, desk);
      const box = document.createElement("template");
      box.innerHTML = event.data;
      showTimes(box.content);
      const text = box.content.textContent.replace(/\s+/g, " ");
      if (part.textContent.replace(/\s+/g, " ") === text) return;
      if (name === "waiting" && busy(part)) {
        heldParts.set(name, event);
        return;
      }
      // A task more makes the list above longer: the window follows, so that rows stay put.
      const before = today.getBoundingClientRect().top;
      part.replaceChildren(box.content);
      if (busy(today)) scrollBy({ top: today.getBoundingClientRect().top - before, behavior: "instant" });
      if (name === "waiting") {
        counted();
        if (primed) say(one("#waiting-title").textContent);
      }
    };
    // How much waits stands in the window's title: our own number, never a partner's words.
    const title = document.title;
    const counted = () => {
      const count = Number(one("#waiting-title .count").textContent);
      document.title = count > 0 ? `(${count}) ${title}` : title;
    };
    counted();
    const settle = () => {
      if (held.size && !busy(today)) release();
      heldParts.forEach((event, name) => {
        if (busy(one(`[data-part=${name}]`, desk))) return;
        heldParts.delete(name);
        onPart(name)(event);
      });
    };
    let primed = false;
    const source = new EventSource(desk.dataset.live);
    source.addEventListener("open", () => {
      pulse.dataset.pulse = "on";
      tell();
      setTimeout(() => { primed = true; }, 1000);
    });
    source.addEventListener("row", onRow);
    ["waiting", "partners", "counts"].forEach((name) => source.addEventListener(name, onPart(name)));
    source.addEventListener("ended", () => {
      source.close();
      pulse.dataset.pulse = "off";
      put(pulse, "Your session has ended. Load the page to log in again.");
    });
    source.addEventListener("error", () => {
      pulse.dataset.pulse = "off";
      put(pulse, source.readyState === EventSource.CLOSED
        ? "Not live any more. Load the page again." : "Not live: the node does not answer. Trying again.");
    });
    shower.addEventListener("click", () => { release(); one("a", rows)?.focus(); });
    setInterval(settle, 400);
    addEventListener("pagehide", () => source.close());
  };

  // -- Checks while typing ------------------------------------------------------------------------
  const checked = (form) => {
    let waiting = 0;
    let asked = 0;
    const ask = async () => {
      const turn = ++asked;
      const findings = one("#findings");
      findings.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(form.dataset.check, { method: "POST", body: new FormData(form) });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = one("#findings", page);
        if (turn === asked && fresh) {
          findings.replaceChildren(...fresh.childNodes);
          showTimes(findings);
        }
      } catch {
        // The button asks again, and says why it cannot.
      }
      findings.setAttribute("aria-busy", "false");
    };
    const later = (event) => {
      if (event.target.type === "password") return;
      clearTimeout(waiting);
      waiting = setTimeout(ask, 500);
    };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
  };

  // -- A page whose state goes on by itself -------------------------------------------------------
  const settling = () => {
    const main = one("#main");
    const again = async () => {
      if (!one("[data-settling]", main)) return;
      try {
        const answer = await fetch(location.href);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = one("#main", page);
        const words = (within) => all("[data-state], .state", within).map((state) => state.textContent.replace(/\s+/g, " ").trim()).join("; ");
        // Who reads, selects or types in it keeps it; the rest may change.
        const reading = main.contains(document.activeElement) && document.activeElement !== main;
        if (fresh && !reading && getSelection().isCollapsed && words(fresh) !== words(main)) {
          const changed = words(fresh);
          main.replaceChildren(...fresh.childNodes);
          showTimes(main);
          say(changed);
        }
      } catch {
        // The node does not answer; the next turn asks again.
      }
      setTimeout(again, 1500);
    };
    setTimeout(again, 800);
  };

  // -- Start --------------------------------------------------------------------------------------
  document.addEventListener("DOMContentLoaded", () => {
    showTimes();
    setInterval(() => all("time[data-show=left], time[data-show=ago]").forEach(show), 1000);
    addEventListener("beforeprint", showUtc);
    addEventListener("afterprint", () => showTimes());
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", (event) => {
      const copier = event.target.closest("[data-copy], [data-copy-from]");
      if (copier) return copy(copier);
      const opener = event.target.closest("[data-open]");
      if (opener) document.getElementById(opener.dataset.open)?.showModal();
    });
    const on = one("#keys-on");
    if (on) {
      on.checked = keysAreOn();
      on.addEventListener("change", () => {
        try { localStorage.setItem("keys", on.checked ? "on" : "off"); } catch { /* for this page only */ }
      });
    }
    one("#trouble")?.focus();
    settling();
    all("[data-live]").forEach(live);
    all("form[data-check]").forEach(checked);
    one("form[data-submit]")?.requestSubmit();
  });
})();
