/* Puts an interactive drawing over each still chart: values at a cursor that all charts share, by mouse, touch or
   arrow keys, and zoom. A live update keeps drawing, zoom and focus. Without this file the still charts remain. */
"use strict";
(function () {
  const STILL_HEIGHT = 208;
  const DASHES = { 1: [], 2: [7, 4], 3: [2, 4], 4: [10, 3, 2, 3] };
  const drawn = new Map(); /* by the chart's key: {plot, points, look} */
  const language = document.documentElement.lang || "en";
  const figures = new Map([3, 4].map((digits) => [digits, new Intl.NumberFormat(language, { maximumSignificantDigits: digits })]));
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

  function saidTime(seconds) {
    if (seconds >= 60 && seconds % 60 === 0) return `${seconds / 60}\u202fmin`;
    return seconds >= 60 ? `${Math.floor(seconds / 60)}\u202fmin ${Math.round(seconds % 60)}\u202fs` : `${tenths.format(seconds)}\u202fs`;
  }

  /* A moment on the axis (short) or at the cursor: behind a start, or on the calendar where the chart has one. */
  const DAY = 86400;
  function saidMoment(points, seconds, isShort) {
    if (points.begins === undefined) return saidTime(seconds);
    const span = points.xs[points.xs.length - 1];
    const day = { day: "numeric", month: "short" };
    const clock = { hour: "2-digit", minute: "2-digit", ...(span < 600 ? { second: "2-digit" } : {}) };
    const parts = isShort ? (span > 1.5 * DAY ? day : clock) : { ...day, year: "numeric", ...clock, timeZoneName: "short" };
    const zone = points.zone ? { timeZone: points.zone } : {};
    const spoken = language === "en" ? "en-GB" : language;
    return new Intl.DateTimeFormat(spoken, { ...parts, ...zone }).format(new Date(1000 * (points.begins + seconds)));
  }

  function saidValue(points, value) {
    if (points.places) return new Intl.NumberFormat(language, { maximumFractionDigits: points.places }).format(value);
    return points.digits === 3 && value >= 1000 ? whole.format(value) : figures.get(points.digits).format(value);
  }

  /* Colours and font as the style sheet resolves them for this element. A reading that follows a writing has the
     browser work out the styles of the whole page anew, so all is read before anything is drawn. */
  function lookOf(figure) {
    const colour = (element) => getComputedStyle(element).color;
    const marks = [...figure.querySelectorAll(".legend .swatch > *")].map((mark) => [mark.classList.item(mark.classList.length - 1), colour(mark)]);
    const grid = colour(figure.querySelector(".chart .axis"));
    return { ...Object.fromEntries(marks), grid, words: colour(figure.querySelector(".legend")), font: getComputedStyle(document.body).fontFamily };
  }

  function figureOf(plot) {
    return plot.root.closest("[data-chart]");
  }

  function drawPath(plot, corners, isClosed) {
    const context = plot.ctx;
    context.beginPath();
    corners.forEach(([x, y], index) => {
      const left = plot.valToPos(x, "x", true);
      const top = plot.valToPos(y, "y", true);
      if (index) context.lineTo(left, top);
      else context.moveTo(left, top);
    });
    if (isClosed) context.closePath();
  }

  /* Limits and the interval of a trend lie under the lines, the trend itself above them. */
  function drawMarks(plot, look, { band, marks }) {
    const context = plot.ctx;
    const ratio = devicePixelRatio || 1;
    context.save();
    context.beginPath();
    context.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
    context.clip();
    if (band) {
      drawPath(plot, [...band.upper, ...band.lower.slice().reverse()], true);
      context.fillStyle = look.band;
      context.fill();
    }
    for (const mark of marks) {
      drawPath(plot, [mark.start, mark.end], false);
      context.setLineDash(mark.kind === "limit" ? [5 * ratio, 3 * ratio] : []);
      context.strokeStyle = look[mark.kind];
      context.lineWidth = 1.5 * ratio;
      context.stroke();
    }
    context.restore();
  }

  function showValues(plot) {
    const figure = figureOf(plot);
    if (!figure) return;
    const index = plot.cursor.idx;
    const { points } = drawn.get(figure.dataset.chart);
    const hasValues = index !== null && index !== undefined;
    const at = figure.querySelector("[data-at]");
    const parts = [];
    for (const place of figure.querySelectorAll("[data-line]")) {
      const value = hasValues ? plot.data[Number(place.dataset.line) + 1][index] : null;
      place.textContent = hasValues ? (value === null || value === undefined ? "–" : saidValue(points, value)) : "";
      if (hasValues) parts.push(place.parentElement.textContent.trim().replace(/\s+/g, " "));
    }
    at.textContent = hasValues ? saidMoment(points, plot.data[0][index], false) : "";
    const slider = plot.root.parentElement;
    if (hasValues) {
      slider.setAttribute("aria-valuenow", plot.data[0][index]);
      slider.setAttribute("aria-valuetext", `${saidMoment(points, plot.data[0][index], false)}: ${parts.join(", ")}`);
    }
  }

  function optionsOf(key, width) {
    const known = drawn.get(key);
    const points = known.points;
    const axis = {
      stroke: () => known.look.words,
      grid: { stroke: () => known.look.grid, width: 1 },
      ticks: { show: false },
      font: `12px ${known.look.font}`,
    };
    const isTrend = (mark) => mark.kind === "trend";
    const below = (plot) => drawMarks(plot, known.look, { band: known.points.band, marks: known.points.marks.filter((mark) => !isTrend(mark)) });
    const above = (plot) => drawMarks(plot, known.look, { band: null, marks: known.points.marks.filter(isTrend) });
    const range = () => [known.points.low, known.points.high];
    return {
      width,
      height: STILL_HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: "gatehouse" }, points: { size: 7 }, drag: { x: true, y: false } },
      scales: {
        x: { time: false },
        y: points.log ? { distr: 3, range } : { range },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 26, values: (_plot, splits) => splits.map((split) => saidMoment(known.points, split, true)), incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, ...[1, 2, 5, 7, 14, 30, 60, 90, 180, 365, 730].map((days) => days * DAY)] },
        { ...axis, size: 52, values: (_plot, splits) => splits.map((value) => (value === null ? "" : saidValue(known.points, value))) },
      ],
      series: [
        {},
        ...points.lines.map((line) => ({
          label: line.label,
          stroke: () => known.look[`s${line.style}`],
          width: 1.75,
          dash: DASHES[line.style],
          points: { show: points.xs.length < 3 },
          ...(points.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
        })),
      ],
      hooks: { drawAxes: [below], draw: [above], setCursor: [showValues] },
    };
  }

  /* The arrow keys move the cursor by a point, with the shift key by ten. */
  function moveCursor(plot, event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (steps === undefined) return;
    event.preventDefault();
    const last = plot.data[0].length - 1;
    const from = plot.cursor.idx ?? (steps > 0 ? -1 : last + 1);
    const index = Math.min(Math.max(from + steps * (event.shiftKey ? 10 : 1), 0), last);
    const value = plot.data.slice(1).map((line) => line[index]).find((one) => one !== null && one !== undefined);
    plot.setCursor({ left: plot.valToPos(plot.data[0][index], "x"), top: value === undefined ? 0 : plot.valToPos(value, "y") });
    if (plot.cursor.idx === index) return;
    plot.cursor.idx = index; // of points so close that one pixel holds them, the cursor took another
    showValues(plot);
  }

  function makeSlider(figure, place, points) {
    place.tabIndex = 0;
    place.id = `${figure.dataset.chart}-plot`;
    place.setAttribute("role", "slider");
    place.setAttribute("aria-label", figure.querySelector("[data-at]").dataset.label);
    place.setAttribute("aria-describedby", `${figure.dataset.chart}-summary`);
    place.setAttribute("aria-valuemin", points.xs[0]);
    place.setAttribute("aria-valuemax", points.xs[points.xs.length - 1]);
    place.setAttribute("aria-valuenow", points.xs[0]);
    place.setAttribute("aria-valuetext", saidMoment(points, points.xs[0], false));
    place.addEventListener("keydown", (event) => moveCursor(drawn.get(figure.dataset.chart).plot, event));
  }

  function readingOf(figure) {
    const points = JSON.parse(document.getElementById(`${figure.dataset.chart}-values`).textContent);
    return { figure, points, width: figure.querySelector(".plot").clientWidth, look: lookOf(figure) };
  }

  function draw({ figure, points, width, look }) {
    const key = figure.dataset.chart;
    const place = figure.querySelector(".plot");
    const values = [points.xs, ...points.lines.map((line) => line.values)];
    const known = drawn.get(key);
    makeSlider(figure, place, points);
    place.classList.add("is-drawn");
    if (known && known.points.lines.length === points.lines.length) {
      const isZoomed = known.plot.scales.x.min > known.points.xs[0] || known.plot.scales.x.max < known.points.xs[known.points.xs.length - 1];
      Object.assign(known, { points, look });
      place.append(known.plot.root);
      known.plot.setData(values, !isZoomed);
      if (isZoomed) known.plot.redraw();
    } else {
      if (known) known.plot.destroy();
      drawn.set(key, { points, look });
      drawn.get(key).plot = new uPlot(optionsOf(key, width), values, place);
    }
    showValues(drawn.get(key).plot);
    resized.observe(place);
  }

  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const known = drawn.get(target.parentElement && target.parentElement.dataset.chart);
      if (known && target.clientWidth && known.plot.width !== target.clientWidth) known.plot.setSize({ width: target.clientWidth, height: STILL_HEIGHT });
    }
  });

  function drawAll() {
    const shown = document.querySelectorAll("[data-chart]");
    if (!shown.length || typeof uPlot === "undefined") return;
    const start = performance.now();
    resized.disconnect();
    for (const reading of [...shown].map(readingOf)) draw(reading);
    /* uPlot paints in a microtask: the end is taken after it. */
    Promise.resolve().then(() => performance.measure("charts", { start, end: performance.now() }));
  }

  function redrawAll() {
    const shown = [...drawn.values()].map((known) => [known, figureOf(known.plot)]).filter(([, figure]) => figure);
    for (const [known, figure] of shown) known.look = lookOf(figure);
    for (const [known] of shown) known.plot.redraw();
  }

  /* The place of focus is a new element after an update. */
  let focused = "";
  document.addEventListener("htmx:beforeSwap", () => {
    const place = document.activeElement && document.activeElement.closest(".plot");
    focused = place ? place.id : "";
  });
  document.addEventListener("htmx:afterSwap", () => {
    drawAll();
    const place = focused && document.getElementById(focused);
    if (place) place.focus({ preventScroll: true });
  });
  document.addEventListener("DOMContentLoaded", drawAll);
  new MutationObserver(redrawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
})();
