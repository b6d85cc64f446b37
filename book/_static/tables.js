/* Tables that readers sort and filter, and tables that become cards on a phone. Without this file they are plain tables. */
(() => {
  "use strict";

  const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();

  /* Numbers by size, words by letters, what is empty last whichever way it is sorted. */
  function compare(one, other, down) {
    if (one === "" || other === "") return (one === "") - (other === "");
    const gap = Number(one) - Number(other);
    const found = Number.isNaN(gap) ? one.localeCompare(other, "en", { numeric: true }) : gap;
    return down ? -found : found;
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((each) => each.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].sort((a, b) => compare(value(a, column), value(b, column), down));
        body.append(...rows);
      });
    });
  }

  function filterable(table, place) {
    const name = table.dataset.filter;
    const column = [...table.tHead.rows[0].cells].findIndex((head) => head.textContent.trim() === name);
    const rows = [...table.tBodies[0].rows];
    const label = document.createElement("label");
    const choice = document.createElement("select");
    const count = document.createElement("output");
    label.append(`${name} `, choice);
    choice.append(new Option("all", ""));
    new Set(rows.map((row) => value(row, column))).forEach((each) => choice.append(new Option(each)));
    const show = () => {
      rows.forEach((row) => { row.hidden = choice.value !== "" && value(row, column) !== choice.value; });
      count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
    };
    choice.addEventListener("change", show);
    const bar = document.createElement("div");
    bar.className = "table-filter";
    bar.append(label, count);
    place.before(bar);
    show();
  }

  /* On a phone each row of such a table is a card. The display that draws cards takes the table's meaning away; roles give it back. */
  function cards(table) {
    const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TH: "columnheader", TD: "cell" };
    table.classList.add("cards");
    [table, ...table.querySelectorAll("thead, tbody, tr, th, td")].forEach((part) => part.setAttribute("role", roles[part.tagName]));
    const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent.trim());
    for (const row of table.tBodies[0].rows) {
      [...row.cells].forEach((cell, column) => {
        cell.dataset.label = heads[column];
        cell.classList.toggle("empty", cell.textContent.trim() === "");
      });
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("table.sortable").forEach((table) => {
      if (table.dataset.filter) filterable(table, table.closest(".wide-table") ?? table);
      sortable(table);
    });
    document.querySelectorAll("table.results-table:is(.claims, .headline)").forEach(cards);
    /* A box that scrolls must be reached by keyboard. */
    document.querySelectorAll(".pst-scrollable-table-container, div.cell_output .output, .bd-content pre").forEach((box) => {
      if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) box.tabIndex = 0;
    });
  });
})();
