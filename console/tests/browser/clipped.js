/* Texts that are cut off: a part of them lies behind the edge of a box that hides what does not fit, outside of the
   page, or in a field too narrow for what it says by itself. What can be scrolled to is not lost, and what is for
   screen readers alone is not cut. */
() => {
  const TOLERANCE = 1.5;
  const ARROW = 20; /* of a select */
  const found = new Set();
  const ruler = document.createElement("canvas").getContext("2d");
  const said = (text) => JSON.stringify(text.trim().replace(/\s+/g, " ").slice(0, 60));
  const placeOf = (element) => {
    const label = element.id ? `#${element.id}` : element.className && element.className.baseVal === undefined ? `.${[...element.classList].join(".")}` : "";
    return `${element.tagName.toLowerCase()}${label}`;
  };

  function isForScreenReaders(element) {
    const style = getComputedStyle(element);
    return style.clipPath === "inset(50%)" || (style.position === "absolute" && element.clientWidth <= 1 && element.clientHeight <= 1);
  }

  const boxes = new Map();
  /* The nearest box around an element that hides what does not fit; "scrolled" in one that scrolls, null in neither. */
  function hidingBox(element) {
    if (!element || element === document.body || element === document.documentElement) return null;
    if (boxes.has(element)) return boxes.get(element);
    const style = getComputedStyle(element);
    const hides = { x: /hidden|clip/.test(style.overflowX), y: /hidden|clip/.test(style.overflowY) };
    const scrolls = /auto|scroll/.test(`${style.overflowX} ${style.overflowY}`);
    let box = null;
    if (element instanceof HTMLElement && isForScreenReaders(element)) box = "unseen";
    else if (element instanceof HTMLElement && style.display !== "inline" && (hides.x || hides.y) && !scrolls) box = { element, ...hides };
    else if (scrolls) box = "scrolled";
    else box = hidingBox(element.parentElement);
    boxes.set(element, box);
    return box;
  }

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (texts.nextNode()) {
    const node = texts.currentNode;
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("script, style, option, title, desc, textarea") || !parent.checkVisibility({ visibilityProperty: true })) continue;
    const box = hidingBox(parent);
    if (box === "unseen" || box === "scrolled") continue;
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      const isDrawn = parent instanceof SVGElement;
      const leftOfPage = rect.right + scrollX > TOLERANCE && rect.left + scrollX < -TOLERANCE;
      const rightOfPage = isDrawn && rect.right > document.documentElement.clientWidth + TOLERANCE;
      if (leftOfPage || rightOfPage) found.add(`${said(node.data)} outside of the page`);
      if (!box) continue;
      const edge = box.element.getBoundingClientRect();
      const over = {
        x: Math.max(edge.left - rect.left, rect.right - edge.right),
        y: Math.max(edge.top - rect.top, rect.bottom - edge.bottom),
      };
      if ((box.x && over.x > TOLERANCE) || (box.y && over.y > TOLERANCE + 2)) found.add(`${said(node.data)} in ${placeOf(box.element)}`);
    }
  }

  const widthOf = (element, text) => {
    ruler.font = getComputedStyle(element).font;
    return ruler.measureText(text).width;
  };
  const roomIn = (element) => {
    const style = getComputedStyle(element);
    return element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  };
  for (const select of document.querySelectorAll("select")) {
    const chosen = select.selectedOptions[0];
    if (select.checkVisibility() && chosen && widthOf(select, chosen.text) > roomIn(select) - ARROW + TOLERANCE) found.add(`${said(chosen.text)} in ${placeOf(select)}`);
  }
  for (const input of document.querySelectorAll("input[placeholder]")) {
    if (input.checkVisibility() && widthOf(input, input.placeholder) > roomIn(input) + TOLERANCE) found.add(`${said(input.placeholder)} in ${placeOf(input)}`);
  }
  return [...found];
}
