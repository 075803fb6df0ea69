/* Fills the signer's time zone in; without it UTC stands in the field and can be changed by hand. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const field of document.querySelectorAll("[data-zone]")) {
    if (zone && field.value === "UTC") field.value = zone;
  }
});
