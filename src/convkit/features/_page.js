"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);
const state = { image: 0, layer: 0, filter: 0, y: 0, x: 0 };
const pictures = data.images.map((image) => {
  const picture = new Image();
  picture.addEventListener("load", () => { drawPicture(); drawPatch(); });
  picture.src = image.url;
  return picture;
});

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

const decoded = new Map();
function numbers(text) {
  if (!decoded.has(text)) decoded.set(text, floats(text));
  return decoded.get(text);
}

const layer = () => data.layers[state.layer];
const filter = () => layer().filters[state.filter];
const map = () => numbers(filter().maps[state.image]);

function fill(select, names, chosen) {
  select.replaceChildren(...names.map((name, place) => new Option(name, place, false, place === chosen)));
}

function extremes(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  return [low, high];
}

// Dark blue over green to yellow; blue, white, red for what has a sign.
const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
const SIGNED = [[33, 102, 172], [247, 247, 247], [178, 24, 43]];
function colour(ramp, share) {
  const place = Math.min(Math.max(share, 0), 1) * (ramp.length - 1);
  const low = Math.min(Math.floor(place), ramp.length - 2);
  return ramp[low].map((value, i) => value + (place - low) * (ramp[low + 1][i] - value));
}

function paint(values, height, width, ramp, low, high) {
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    const [r, g, b] = colour(ramp, high > low ? (values[i] - low) / (high - low) : 0.5);
    pixels.data.set([r, g, b, 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

// The map that is shown, painted once; pointing at it draws it again many times.
let shown = {};
function painted() {
  if (shown.values !== map()) {
    const [height, width] = layer().map, [low, high] = extremes(map());
    shown = { values: map(), low, high, canvas: paint(map(), height, width, RAMP, low, high) };
  }
  return shown.canvas;
}

function drawn(id, width, height) {
  const canvas = by(id), context = canvas.getContext("2d");
  canvas.width = width; canvas.height = height;
  context.imageSmoothingEnabled = false;
  return context;
}

// A red frame with a white rim, seen on any colour.
function frame(context, left, top, width, height) {
  for (const [line, colour] of [[4, "#fff"], [2, "#d00"]]) {
    context.lineWidth = line; context.strokeStyle = colour;
    context.strokeRect(left, top, width, height);
  }
}

function drawPicture() {
  const scale = Math.max(1, Math.ceil(360 / data.width));
  const context = drawn("picture", data.width * scale, data.height * scale);
  context.drawImage(pictures[state.image], 0, 0, context.canvas.width, context.canvas.height);
  const [left, right, bottom, top] = layer().extent.map((value) => value * scale);
  context.globalAlpha = by("alpha").value / 100;
  context.drawImage(painted(), left, top, right - left, bottom - top);
  context.globalAlpha = 1;
  const [y0, x0, y1, x1] = box();
  frame(context, x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale);
  by("picture-text").textContent = "image with the map over it; framed: what the value sees";
}

function drawPatch() {
  const [y0, x0, y1, x1] = box(), scale = Math.max(1, Math.floor(360 / Math.max(y1 - y0, x1 - x0)));
  const context = drawn("patch", (x1 - x0) * scale, (y1 - y0) * scale);
  context.fillStyle = "#808080"; // the padding, where the patch leaves the image
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  context.drawImage(pictures[state.image], -x0 * scale, -y0 * scale, data.width * scale, data.height * scale);
  by("patch-text").textContent = `patch behind the value: rows ${y0} to ${y1 - 1}, columns ${x0} to ${x1 - 1}; padding is grey`;
}

function box() {
  const { rows, columns } = layer();
  return [rows[0][state.y], columns[0][state.x], rows[1][state.y], columns[1][state.x]];
}

function drawMap() {
  const [height, width] = layer().map, scale = Math.max(1, Math.floor(480 / width));
  const context = drawn("map", width * scale, height * scale);
  context.drawImage(painted(), 0, 0, context.canvas.width, context.canvas.height);
  const rim = Math.max(0, (16 - scale) / 2); // around a small value, so that it is seen
  frame(context, state.x * scale - rim, state.y * scale - rim, scale + 2 * rim, scale + 2 * rim);
  by("map-text").textContent = `map ${filter().index}, ${height}×${width}: ${shown.low.toPrecision(3)} (dark) to ${shown.high.toPrecision(3)} (yellow)`;
}

// Channels ordered by a strength, the greatest first.
function strongest(channels, strength) {
  return Array.from({ length: channels }, (_, c) => c).sort((a, b) => strength(b) - strength(a) || a - b);
}

function drawSlices() {
  const [channels, height, width] = layer().kernel, weights = numbers(filter().weights);
  const size = height * width, most = Math.min(channels, 64);
  const norms = Array.from({ length: channels }, (_, c) =>
    weights.subarray(c * size, (c + 1) * size).reduce((sum, weight) => sum + weight ** 2, 0));
  const columns = Math.ceil(Math.sqrt(most)), rows = Math.ceil(most / columns);
  const scale = Math.max(2, Math.floor(480 / (columns * (width + 1))));
  const context = drawn("slices", (columns * (width + 1) - 1) * scale, (rows * (height + 1) - 1) * scale);
  const end = Math.max(...extremes(weights).map(Math.abs));
  const order = strongest(channels, (c) => norms[c]).slice(0, most);
  order.forEach((channel, place) => {
    const tile = paint(weights.subarray(channel * size, (channel + 1) * size), height, width, SIGNED, -end, end);
    const left = (place % columns) * (width + 1) * scale, top = Math.floor(place / columns) * (height + 1) * scale;
    context.drawImage(tile, left, top, width * scale, height * scale);
  });
  const first = order.slice(0, 8).map((c) => filter().first + c).join(", ");
  by("slices-text").textContent = `filter ${filter().index}: ${most} of ${channels} slices, strongest first (channels ${first}${most > 8 ? " …" : ""}); blue negative, red positive, ±${end.toPrecision(3)}`;
}

// Where each row (or column) of the kernel meets the layer's input.
function sources(axis, place) {
  const { kernel, stride, padding, dilation, transposed } = layer();
  return Array.from({ length: kernel[axis + 1] }, (_, tap) => {
    if (!transposed) return place * stride[axis] - padding[axis] + dilation[axis] * tap;
    const reach = place + padding[axis] - dilation[axis] * tap;
    return reach >= 0 && reach % stride[axis] === 0 ? reach / stride[axis] : -1;
  });
}

function products() {
  const [channels, height, width] = layer().kernel, [, rows, columns] = layer().input;
  const weights = numbers(filter().weights), inputs = numbers(layer().inputs[state.image]);
  const ys = sources(0, state.y), xs = sources(1, state.x), found = [];
  for (let c = 0; c < channels; c++) for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) {
    const y = ys[i], x = xs[j], inside = y >= 0 && y < rows && x >= 0 && x < columns;
    const weight = weights[(c * height + i) * width + j];
    const value = inside ? inputs[((filter().first + c) * rows + y) * columns + x] : 0;
    found.push([filter().first + c, i, j, weight, value, weight * value]);
  }
  return found;
}

const COLUMNS = ["channel", "row", "column", "weight", "input", "product"];
function element(kind, text) {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}

function tableOf(found) {
  const most = found.slice().sort((a, b) => Math.abs(b[5]) - Math.abs(a[5])).slice(0, 12);
  const table = document.createElement("table"), head = table.createTHead().insertRow();
  table.createCaption().textContent = `the ${most.length} greatest of ${found.length} products; row and column are those of the filter`;
  for (const title of COLUMNS) {
    const cell = element("th", title);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const one of most) {
    const row = body.insertRow();
    one.forEach((value, place) => { row.insertCell().textContent = place < 3 ? value : value.toPrecision(4); });
  }
  return table;
}

// Slice of the filter times patch of the input is the products, for the channels that add most.
function factorsOf(found) {
  const [channels, height, width] = layer().kernel, size = height * width;
  const sums = Array.from({ length: channels }, (_, c) =>
    found.slice(c * size, (c + 1) * size).reduce((sum, one) => sum + one[5], 0));
  const ends = [3, 4, 5].map((place) => found.reduce((most, one) => Math.max(most, Math.abs(one[place])), 0));
  return strongest(channels, (c) => Math.abs(sums[c])).slice(0, 3).map((c) => {
    const row = document.createElement("div");
    row.className = "factor";
    row.append(element("p", `channel ${filter().first + c}: weight × input = products, sum ${sums[c].toPrecision(4)}`));
    [3, 4, 5].forEach((place, i) => {
      const values = found.slice(c * size, (c + 1) * size).map((one) => one[place]);
      const tile = paint(values, height, width, SIGNED, -ends[i], ends[i]);
      tile.setAttribute("role", "img");
      tile.setAttribute("aria-label", `${COLUMNS[place]}, ±${ends[i].toPrecision(3)}`);
      row.append(tile, ...(i < 2 ? [element("span", "×="[i])] : []));
    });
    [0, 1, 2].forEach((i) => row.append(element("small", `±${ends[i].toPrecision(3)}`), ...(i < 2 ? [element("span", "")] : [])));
    return row;
  });
}

function showValue() {
  const found = products(), [, width] = layer().map;
  const sum = found.reduce((total, one) => total + one[5], 0), bias = filter().bias;
  const value = map()[state.y * width + state.x];
  by("value").textContent = `value at row ${state.y}, column ${state.x}: ${value.toPrecision(6)}; ${found.length} products ${sum.toPrecision(6)} + bias ${bias.toPrecision(6)} = ${(sum + bias).toPrecision(6)}`;
  by("value").dataset.value = value;
  by("value").dataset.sum = sum + bias;
  by("factors").replaceChildren(...factorsOf(found));
  by("products").replaceChildren(tableOf(found));
}

function point() { drawPicture(); drawMap(); drawPatch(); showValue(); }
function show() {
  const [height, width] = layer().map;
  state.y = Math.min(state.y, height - 1); state.x = Math.min(state.x, width - 1);
  by("sentence").textContent = filter().sentence;
  by("figures").textContent = filter().figures;
  drawSlices(); point();
}

function chooseLayer() {
  const [height, width] = layer().map;
  state.filter = 0; state.y = height >> 1; state.x = width >> 1;
  fill(by("filter"), layer().filters.map((one) => one.index), 0);
  show();
}

function chooseFilter(place) {
  const count = layer().filters.length;
  state.filter = (place + count) % count;
  by("filter").selectedIndex = state.filter;
  show();
}

function touch(event) {
  const bounds = by("map").getBoundingClientRect(), [height, width] = layer().map;
  const within = (share, size) => Math.min(Math.max(Math.floor(share * size), 0), size - 1);
  state.x = within((event.clientX - bounds.left) / bounds.width, width);
  state.y = within((event.clientY - bounds.top) / bounds.height, height);
  point();
}

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
function move(key) {
  const [height, width] = layer().map, move = MOVES[key];
  state.y = Math.min(Math.max(state.y + move[0], 0), height - 1);
  state.x = Math.min(Math.max(state.x + move[1], 0), width - 1);
  point();
}

fill(by("image"), data.images.map((image) => image.name), 0);
fill(by("layer"), data.layers.map((one) => one.name), 0);
by("image").addEventListener("change", (event) => { state.image = event.target.selectedIndex; show(); });
by("layer").addEventListener("change", (event) => { state.layer = event.target.selectedIndex; chooseLayer(); });
by("filter").addEventListener("change", (event) => chooseFilter(event.target.selectedIndex));
by("alpha").addEventListener("input", drawPicture);
by("choose").addEventListener("submit", (event) => event.preventDefault());
for (const kind of ["pointermove", "pointerdown"]) by("map").addEventListener(kind, touch);
by("map").addEventListener("keydown", (event) => {
  if (!MOVES[event.key]) return;
  event.preventDefault();
  move(event.key);
});
for (const button of document.querySelectorAll("#move button"))
  button.addEventListener("click", () => move(button.dataset.key));
by("previous").addEventListener("click", () => chooseFilter(state.filter - 1));
by("next").addEventListener("click", () => chooseFilter(state.filter + 1));
document.addEventListener("keydown", (event) => {
  if (event.key === "[") chooseFilter(state.filter - 1);
  if (event.key === "]") chooseFilter(state.filter + 1);
});
chooseLayer();
document.body.dataset.ready = "yes";
