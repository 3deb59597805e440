/**
 * What browser tests ask of a page. Each function is sent to the browser and runs
 * there, by itself.
 *
 * @module
 */

/** The pixels of a canvas that have a colour, rather than a shade of grey. */
export function inkedPixels(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let inked = 0;
  for (let i = 0; i < data.length; i += 4) {
    const channels = [data[i], data[i + 1], data[i + 2]];
    if (data[i + 3] > 100 && Math.max(...channels) - Math.min(...channels) > 60) inked++;
  }
  return inked;
}

/** The width of all that is in the page, also beyond the window. */
export function pageWidth() {
  return document.documentElement.scrollWidth;
}

/** Texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3). */
export function unreadableTexts() {
  const channels = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    if (element === null) return [255, 255, 255];
    const colour = channels(getComputedStyle(element).backgroundColor);
    return colour.length === 4 && colour[3] === 0 ? behind(element.parentElement) : colour;
  };
  const hasText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
  const texts = [...document.querySelectorAll("body *")]
    .filter((element) => hasText(element) && element.checkVisibility());
  return texts.flatMap((element) => {
    const text = luminance(channels(getComputedStyle(element).color));
    const ground = luminance(behind(element));
    const contrast = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    return contrast < 4.5 ? [`${element.textContent.trim()}: ${contrast.toFixed(2)}`] : [];
  });
}
