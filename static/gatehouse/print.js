/* Shows the print button where it can do something; the browser's own menu prints the same. */
"use strict";
const button = document.querySelector("[data-print]");
button.hidden = false;
button.addEventListener("click", () => window.print());
