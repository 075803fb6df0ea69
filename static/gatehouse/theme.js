/* Sets the colour theme before the first paint, so that a page never flashes in the wrong one. */
"use strict";
(function () {
  try {
    const theme = localStorage.getItem("gatehouse-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (refused) {
    /* A browser that keeps nothing follows the system's theme. */
  }
  document.documentElement.classList.add("has-js");
})();
