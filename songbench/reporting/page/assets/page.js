// What a reader can do with the tables of a report: sort them, choose columns, look for rows, look at a part of a run.
// The page is complete without this script. Nothing is stored and nothing is loaded; texts are set as text only.

"use strict";

(() => {
  const make = (name, properties = {}, children = []) => {
    const node = Object.assign(document.createElement(name), properties);
    node.append(...children);
    return node;
  };

  const announcer = make("p", { className: "status" });
  announcer.setAttribute("role", "status");
  document.body.append(announcer);
  const announce = (text) => {
    announcer.textContent = text;
  };

  /** The heads of a table's columns, and what a column is called. */
  const heads = (table) => Array.from(table.tHead ? table.tHead.rows[0].cells : []);
  const nameOf = (head) => head.dataset.column;

  // -- sorting: competitors among themselves, sanity systems among themselves; rows without a number last

  const byNumber = (cell) => (cell.dataset.number === undefined ? null : Number(cell.dataset.number));
  const collator = new Intl.Collator(undefined, { numeric: true });

  function compare(first, second, place, sign) {
    const [one, two] = [first.cells[place], second.cells[place]];
    const [a, b] = [byNumber(one), byNumber(two)];
    if (a !== null && b !== null) {
      return sign * (a - b);
    }
    if (a !== null || b !== null) {
      return a === null ? 1 : -1;
    }
    const [x, y] = [one.textContent.trim(), two.textContent.trim()];
    return x === "" || y === "" ? (x === "" ? 1 : 0) - (y === "" ? 1 : 0) : sign * collator.compare(x, y);
  }

  function sort(table, head, place, initial) {
    const first = head.dataset.better === "higher" ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const now = head.getAttribute("aria-sort");
    const next = now === null ? first : now === first ? second : null;
    heads(table).forEach((other) => other.removeAttribute("aria-sort"));
    if (next) {
      head.setAttribute("aria-sort", next);
    }
    Array.from(table.tBodies).forEach((body, number) => {
      const rows = [...initial[number]];
      if (next) {
        rows.sort((a, b) => compare(a, b, place, next === "ascending" ? 1 : -1));
      }
      body.append(...rows);
    });
    announce(next ? `Sorted by ${nameOf(head)}, ${next}` : "In the order of the report");
  }

  function makeSortable(table) {
    const initial = Array.from(table.tBodies, (body) => Array.from(body.rows));
    heads(table).forEach((head, place) => {
      const button = make("button", { type: "button" }, Array.from(head.childNodes));
      button.title = head.title;
      head.append(button);
      button.addEventListener("click", () => sort(table, head, place, initial));
    });
  }

  // -- columns: those that are not there at first, chosen for all tables that stand in each other's place

  function choose(tables, name, chosen) {
    tables.forEach((table) => {
      const place = heads(table).findIndex((head) => nameOf(head) === name);
      Array.from(table.rows).forEach((row) => {
        const cell = row.cells[place];
        if (cell) {
          cell.hidden = !chosen;
          cell.classList.toggle("chosen", chosen);
        }
      });
    });
  }

  function columnChoice(tables) {
    const keys = new Map();
    tables.forEach((table) => heads(table).slice(1).forEach((head) => {
      keys.set(nameOf(head), keys.get(nameOf(head)) ?? { chosen: !head.classList.contains("optional"), title: head.title });
    }));
    const choices = make("div", { className: "choices" });
    keys.forEach(({ chosen, title }, name) => {
      const box = make("input", { type: "checkbox", checked: chosen });
      box.addEventListener("change", () => choose(tables, name, box.checked));
      choices.append(make("label", { title }, [box, name]));
    });
    return make("details", { className: "columns" }, [make("summary", { textContent: "Columns" }), choices]);
  }

  // -- rows: those that hold every word that is looked for; scores are no words

  function search(table) {
    const field = make("input", { type: "search", autocomplete: "off", spellcheck: false });
    const count = make("span");
    field.addEventListener("input", () => {
      const words = field.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      const rows = Array.from(table.tBodies).flatMap((body) => Array.from(body.rows));
      const matching = rows.filter((row) => {
        const cells = Array.from(row.cells).filter((cell) => cell.dataset.number === undefined);
        const text = cells.map((cell) => cell.textContent).join(" ").toLocaleLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        return !row.hidden;
      });
      count.textContent = words.length ? `${matching.length} of ${rows.length}` : "";
      announce(count.textContent);
    });
    return [make("label", {}, ["Find", field]), count];
  }

  // -- parts of a run: one table at a time

  function viewChoice(views) {
    const all = Array.from(views.children);
    const select = make("select", { ariaLabel: views.dataset.title });
    const groups = new Map();
    all.forEach((view, number) => {
      const option = make("option", { value: String(number), textContent: view.dataset.name });
      const { group } = view.dataset;
      if (!group) {
        select.append(option);
        return;
      }
      if (!groups.has(group)) {
        groups.set(group, make("optgroup", { label: `by ${group.replaceAll("_", " ")}` }));
        select.append(groups.get(group));
      }
      groups.get(group).append(option);
    });
    select.addEventListener("change", () => {
      all.forEach((view, number) => {
        const chosen = String(number) === select.value;
        view.classList.toggle("chosen", chosen);
        if (view instanceof HTMLDetailsElement) {
          view.open = chosen;
        }
      });
      announce(`Showing ${select.selectedOptions[0].textContent}`);
    });
    views.classList.add("switched");
    return make("label", {}, [views.dataset.title, select]);
  }

  // -- put together

  const tools = (parts) => make("div", { className: "tools" }, parts);
  const optional = (table) => heads(table).some((head) => head.classList.contains("optional"));

  document.querySelectorAll("table.sortable").forEach(makeSortable);
  document.querySelectorAll(".views").forEach((views) => {
    const tables = Array.from(views.querySelectorAll("table.sortable"));
    const parts = views.children.length > 1 ? [viewChoice(views)] : [];
    if (tables.some(optional)) {
      parts.push(columnChoice(tables));
    }
    if (parts.length) {
      views.prepend(tools(parts));
    }
  });
  document.querySelectorAll("table.searchable").forEach((table) => {
    const parts = search(table);
    if (!table.closest(".views") && optional(table)) {
      parts.push(columnChoice([table]));
    }
    table.parentElement.before(tools(parts));
  });
})();
