"use strict";
/* The contour of a report: a mesh drawn on a canvas, cell by cell, that can be zoomed, deformed and asked for its values.
   All data are in the page. A vertex belongs to one region, so nothing is smoothed over an interface. */
(() => {
  const box = document.getElementById("viewer");
  if (!box) return;
  const fail = (why) => { box.classList.add("off"); box.querySelector(".why").textContent = why; };
  if (typeof DecompressionStream === "undefined") { fail("This browser is too old for the interactive contour."); return; }
  const head = JSON.parse(document.getElementById("field-head").textContent);
  const MAPS = JSON.parse(document.getElementById("field-maps").textContent);

  const unpack = async () => {
    const text = atob(document.getElementById("field-data").textContent.trim());
    const packed = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const half = (h) => {
    const e = (h >> 10) & 31, m = h & 1023, s = h & 0x8000 ? -1 : 1;
    return e === 0 ? s * m * 2 ** -24 : e === 31 ? NaN : s * (1 + m / 1024) * 2 ** (e - 15);
  };
  /* Columns of an array: its bytes lie column by column, sorted by significance. */
  const columns = (bytes, one) => {
    const size = Number(one.type[1]), rows = one.shape[0], wide = one.shape.length > 1 ? one.shape[1] : 1;
    const found = [];
    for (let c = 0; c < wide; c++) {
      const raw = new Uint8Array(rows * size), start = one.start + c * rows * size;
      for (let b = 0; b < size; b++) for (let i = 0; i < rows; i++) raw[i * size + b] = bytes[start + b * rows + i];
      if (one.type === "f4") found.push(new Float32Array(raw.buffer));
      else if (one.type === "i4") {
        const v = new Int32Array(raw.buffer);
        for (let i = 1; i < rows; i++) v[i] += v[i - 1];
        found.push(v);
      } else {
        const v = new Uint16Array(raw.buffer);
        found.push(one.type === "f2" ? Float32Array.from(v, half) : v);
      }
    }
    return found;
  };

  const start = (bytes) => {
    const data = {};
    for (const one of head.arrays) data[one.name] = columns(bytes, one);
    const [X, Y] = data.x, [U, V] = data.u, cells = data.cell, region = data.region[0];
    const corners = cells.length, count = X.length;
    const fields = {};
    head.components.forEach((name, i) => { fields[name] = data.s[i]; });
    const s = data.s, mises = new Float32Array(count), size = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      const a = s[0][i], b = s[1][i], c = s[2][i];
      let shear = 0;
      for (let k = 3; k < s.length; k++) shear += s[k][i] * s[k][i];
      mises[i] = Math.sqrt(0.5 * ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2) + 3 * shear);
      size[i] = Math.hypot(U[i], V[i]);
    }
    fields.von_mises = mises;
    fields.u = size;
    if (data.T) fields.T = data.T[0];

    const canvas = box.querySelector("canvas"), pen = canvas.getContext("2d");
    const readout = box.querySelector(".readout"), scaleText = box.querySelector(".scale"), slider = box.querySelector("input[type=range]");
    const bar = box.querySelector(".bar"), wholeMesh = box.querySelector("input.mesh"), fit = box.querySelector("input.fit");
    const LEFT = 46, FOOT = 24, TOP = 6, RIGHT = 6;
    const unit = head.unit, per = head.per;
    let component = head.first, view = null, home = "body", pinned = null, pending = false, printing = false;
    let wide = 0, tall = 0, ratio = 1, owner = new Int32Array(0), value = new Float32Array(0);

    const titles = (name) => name === "von_mises" ? "von Mises" : name === "u" ? "|u|" : name;
    const units = (name) => name === "u" ? "µm" : name === "T" ? "°C" : "MPa";
    const show = (v, digits) => {
      if (!Number.isFinite(v)) return "–";
      const a = Math.abs(v);
      const text = a !== 0 && (a < 1e-3 || a >= 1e5) ? v.toExponential(2) : String(Number(v.toPrecision(digits || 4)));
      return text.replace("-", "−");
    };

    /* ---------------- what is in view */
    const setView = (w) => {
      const body = head.body, least = 1e-5 * Math.max(body[1] - body[0], body[3] - body[2]);
      let [x0, x1, y0, y1] = w;
      const room = [(wide - LEFT - RIGHT), (tall - TOP - FOOT)];
      let per_px = Math.max((x1 - x0) / room[0], (y1 - y0) / room[1], least / room[0]);
      const most = 1.6 * Math.max((body[1] - body[0]) / room[0], (body[3] - body[2]) / room[1]);
      per_px = Math.min(per_px, most);
      const cx = Math.min(Math.max((x0 + x1) / 2, body[0]), body[1]), cy = Math.min(Math.max((y0 + y1) / 2, body[2]), body[3]);
      view = { x: cx - per_px * (LEFT + room[0] / 2), y: cy + per_px * (TOP + room[1] / 2), s: per_px };
      ask();
    };
    const windowNow = () => [view.x + LEFT * view.s, view.x + (wide - RIGHT) * view.s, view.y - (tall - FOOT) * view.s, view.y - TOP * view.s];
    const zoom = (factor, px, py) => {
      const x = view.x + px * view.s, y = view.y - py * view.s, w = windowNow();
      home = null;
      setView([x + (w[0] - x) * factor, x + (w[1] - x) * factor, y + (w[2] - y) * factor, y + (w[3] - y) * factor]);
    };
    const places = () => {
      const found = { body: head.window };
      head.roots.forEach((root, i) => {
        const r = 3 * root.length;
        found["root" + i] = [root.at[0] - r, root.at[0] + r, root.at[1] - r, root.at[1] + r];
      });
      return found;
    };

    /* ---------------- drawing */
    const ask = () => { if (!pending) { pending = true; requestAnimationFrame(() => { pending = false; draw(); }); } };
    const factor = () => Number(slider.value) / 100 * head.scale;

    const raster = (w, h) => {
      const n = w * h, k = factor(), field = fields[component], scale = ratio / view.s;
      if (owner.length !== n) { owner = new Int32Array(n); value = new Float32Array(n); }
      owner.fill(-1);
      const px = new Float64Array(corners + 1), py = new Float64Array(corners + 1), pv = new Float64Array(corners + 1);
      const x0 = LEFT * ratio, y0 = TOP * ratio, x1 = w - RIGHT * ratio, y1 = h - FOOT * ratio;
      for (let c = 0; c < region.length; c++) {
        let left = Infinity, right = -Infinity, top = Infinity, low = -Infinity;
        for (let j = 0; j < corners; j++) {
          const i = cells[j][c];
          const x = (X[i] + k * U[i] - view.x) * scale, y = (view.y - Y[i] - k * V[i]) * scale;
          px[j] = x; py[j] = y;
          if (x < left) left = x; if (x > right) right = x; if (y < top) top = y; if (y > low) low = y;
        }
        if (right < x0 || left > x1 || low < y0 || top > y1) continue;
        if (Math.ceil(left - 0.5) > Math.floor(right - 0.5) || Math.ceil(top - 0.5) > Math.floor(low - 0.5)) continue;
        for (let j = 0; j < corners; j++) pv[j] = field[cells[j][c]];
        if (corners === 3) triangle(px[0], py[0], pv[0], px[1], py[1], pv[1], px[2], py[2], pv[2], c, w, x0, x1, y0, y1);
        else {
          const mx = (px[0] + px[1] + px[2] + px[3]) / 4, my = (py[0] + py[1] + py[2] + py[3]) / 4, mv = (pv[0] + pv[1] + pv[2] + pv[3]) / 4;
          for (let j = 0; j < 4; j++) {
            const q = (j + 1) & 3;
            triangle(px[j], py[j], pv[j], px[q], py[q], pv[q], mx, my, mv, c, w, x0, x1, y0, y1);
          }
        }
      }
    };
    /* Pixels whose middle lies in a triangle get its cell and the value there; edges are drawn from both sides. */
    const triangle = (ax, ay, av, bx, by, bv, cx, cy, cv, cell, w, x0, x1, y0, y1) => {
      const det = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
      if (det === 0) return;
      const top = Math.max(Math.ceil(Math.min(ay, by, cy) - 0.5 - 1e-6), Math.ceil(y0)), low = Math.min(Math.floor(Math.max(ay, by, cy) - 0.5 + 1e-6), Math.floor(y1) - 1);
      const dv_dx = ((bv - av) * (cy - ay) - (cv - av) * (by - ay)) / det, dv_dy = ((cv - av) * (bx - ax) - (bv - av) * (cx - ax)) / det;
      for (let row = top; row <= low; row++) {
        const y = row + 0.5;
        let left = Infinity, right = -Infinity;
        const cross = (px, py, qx, qy) => {
          if ((py <= y + 1e-9 && qy >= y - 1e-9) || (qy <= y + 1e-9 && py >= y - 1e-9)) {
            const x = py === qy ? Math.min(px, qx) : px + (qx - px) * Math.min(1, Math.max(0, (y - py) / (qy - py)));
            if (x < left) left = x; if (x > right) right = x;
            if (py === qy) { const z = Math.max(px, qx); if (z > right) right = z; }
          }
        };
        cross(ax, ay, bx, by); cross(bx, by, cx, cy); cross(cx, cy, ax, ay);
        const first = Math.max(Math.ceil(left - 0.5 - 1e-6), Math.ceil(x0)), last = Math.min(Math.floor(right - 0.5 + 1e-6), Math.floor(x1) - 1);
        let v = av + dv_dx * (first + 0.5 - ax) + dv_dy * (y - ay), at = row * w + first;
        for (let col = first; col <= last; col++, at++, v += dv_dx) { owner[at] = cell; value[at] = v; }
      }
    };

    const ends = () => {
      if (!fit.checked) return head.limits[component];
      const seen = [];
      const step = Math.max(1, Math.floor(owner.length / 40000));
      for (let i = 0; i < owner.length; i += step) if (owner[i] >= 0) seen.push(value[i]);
      if (!seen.length) return head.limits[component];
      seen.sort((a, b) => a - b);
      const low = seen[Math.floor(0.01 * (seen.length - 1))], high = seen[Math.ceil(0.99 * (seen.length - 1))];
      const signed = head.limits[component][0] < 0;
      if (signed) { const m = Math.max(Math.abs(low), Math.abs(high)) || 1; return [-m, m]; }
      return component === "T" ? [low, high > low ? high : low + 1] : [0, high || 1];
    };
    const table = (name) => {
      const stops = MAPS[name], found = new Uint32Array(256);
      for (let i = 0; i < 256; i++) {
        const t = i / 255 * (stops.length - 1), a = Math.min(Math.floor(t), stops.length - 2), f = t - a;
        const mix = (k) => Math.round(stops[a][k] + f * (stops[a + 1][k] - stops[a][k]));
        found[i] = (255 << 24) | (mix(2) << 16) | (mix(1) << 8) | mix(0);
      }
      return found;
    };
    const tables = { rdbu: table("rdbu"), viridis: table("viridis"), cividis: table("cividis") };
    const mapOf = (name) => head.limits[name][0] < 0 && name !== "T" ? "rdbu" : name === "u" || name === "T" ? "cividis" : "viridis";

    const draw = () => {
      if (!view) return;
      const w = canvas.width, h = canvas.height;
      const ink = printing ? "#222" : getComputedStyle(box).getPropertyValue("--ink").trim() || "#222";
      raster(w, h);
      const [low, high] = ends(), lut = tables[mapOf(component)], image = pen.createImageData(w, h), pixels = new Uint32Array(image.data.buffer);
      const by = 255 / (high - low);
      for (let i = 0; i < pixels.length; i++) {
        if (owner[i] < 0) continue;
        const t = (value[i] - low) * by;
        pixels[i] = lut[t <= 0 ? 0 : t >= 255 ? 255 : t | 0];
      }
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.clearRect(0, 0, w, h);
      pen.putImageData(image, 0, 0);
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      lines(ink);
      axes(ink);
      showBar(low, high);
      const k = factor();
      scaleText.textContent = k === 0 ? "undeformed" : "× " + show(k, 3);
      if (pinned) mark(pinned, ink);
    };
    const toPx = (x, y) => [(x - view.x) / view.s, (view.y - y) / view.s];
    const lines = (ink) => {
      const k = factor(), [lx, ly] = data.line_x, [lu, lv] = data.line_u, [a, b] = data.line;
      pen.save();
      pen.beginPath();
      pen.rect(LEFT, TOP, wide - LEFT - RIGHT, tall - TOP - FOOT);
      pen.clip();
      if (wholeMesh.checked) {
        pen.beginPath();
        let drawn = 0;
        for (let c = 0; c < region.length && drawn < 30000; c++) {
          let big = 0;
          const at = [];
          for (let j = 0; j < corners; j++) { const i = cells[j][c]; at.push(toPx(X[i] + k * U[i], Y[i] + k * V[i])); }
          for (let j = 1; j < corners; j++) big = Math.max(big, Math.abs(at[j][0] - at[0][0]) + Math.abs(at[j][1] - at[0][1]));
          if (big < 1.5 || at.every((p) => p[0] < LEFT) || at.every((p) => p[0] > wide) || at.every((p) => p[1] < 0) || at.every((p) => p[1] > tall)) continue;
          pen.moveTo(at[0][0], at[0][1]);
          for (let j = 1; j <= corners; j++) pen.lineTo(at[j % corners][0], at[j % corners][1]);
          drawn++;
        }
        pen.strokeStyle = "rgba(40,40,40,.35)";
        pen.lineWidth = 0.5;
        pen.stroke();
      }
      for (const scale of k ? [0, k] : [0]) {
        pen.beginPath();
        for (let i = 0; i < a.length; i++) {
          const p = toPx(lx[a[i]] + scale * lu[a[i]], ly[a[i]] + scale * lv[a[i]]), q = toPx(lx[b[i]] + scale * lu[b[i]], ly[b[i]] + scale * lv[b[i]]);
          pen.moveTo(p[0], p[1]);
          pen.lineTo(q[0], q[1]);
        }
        const dashed = k && scale === 0;
        pen.setLineDash([]);
        pen.strokeStyle = dashed ? "rgba(128,128,128,.55)" : ink === "#222" || printing ? "#222" : "#3a3a3a";
        pen.lineWidth = dashed ? 0.6 : 1;
        pen.stroke();
      }
      if (k === 0) for (const root of head.roots) {
        pen.setLineDash([5, 3]);
        pen.strokeStyle = "#c2185b";
        pen.lineWidth = 1.2;
        for (const length of root.lengths) {
          const [x0, y0] = toPx(root.at[0], root.at[1]), [x1, y1] = toPx(root.at[0] + root.into[0] * length, root.at[1] + root.into[1] * length);
          if (Math.abs(x1 - x0) > 5) pen.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
        }
        pen.setLineDash([]);
      }
      pen.restore();
    };
    const nice = (span, most) => {
      const rough = span / most, power = 10 ** Math.floor(Math.log10(rough));
      return [1, 2, 2.5, 5, 10].map((m) => m * power).find((step) => step >= rough) || 10 * power;
    };
    const axes = (ink) => {
      const [x0, x1, y0, y1] = windowNow();
      pen.strokeStyle = "#8a8a8a";
      pen.lineWidth = 1;
      pen.strokeRect(LEFT + 0.5, TOP + 0.5, wide - LEFT - RIGHT - 1, tall - TOP - FOOT - 1);
      pen.fillStyle = ink;
      pen.font = "11px system-ui, sans-serif";
      const number = (v, step) => {
        const places = Math.max(0, Math.min(9, -Math.floor(Math.log10(step / per) + 1e-9) + (String(step / per).includes("25") ? 1 : 0)));
        return (v / per).toFixed(places).replace("-", "−");
      };
      pen.textAlign = "center";
      pen.textBaseline = "top";
      const sx = nice(x1 - x0, Math.max(2, (wide - LEFT) / 80));
      for (let v = Math.ceil(x0 / sx) * sx; v <= x1 + 1e-9 * sx; v += sx) {
        const p = toPx(v, 0)[0];
        if (p > wide - 46 || p < LEFT) continue;
        pen.fillText(number(v, sx), p, tall - FOOT + 5);
        pen.fillRect(p, tall - FOOT, 1, 3);
      }
      pen.textAlign = "right";
      pen.fillText(head.axes[0] + ", " + unit, wide - RIGHT, tall - FOOT + 5);
      pen.textBaseline = "middle";
      const sy = nice(y1 - y0, Math.max(2, (tall - FOOT) / 55));
      for (let v = Math.ceil(y0 / sy) * sy; v <= y1 + 1e-9 * sy; v += sy) {
        const p = toPx(0, v)[1];
        if (p < TOP + 20 || p > tall - FOOT) continue;
        pen.fillText(number(v, sy), LEFT - 5, p);
        pen.fillRect(LEFT - 3, p, 3, 1);
      }
      pen.fillText(head.axes[1] + ", " + unit, LEFT - 5, TOP + 7);
    };
    let barFor = "";
    const showBar = (low, high) => {
      const key = component + low + high;
      if (key === barFor) return;
      barFor = key;
      const stops = MAPS[mapOf(component)].map((c) => "rgb(" + c.join(",") + ")").join(",");
      bar.querySelector(".ramp").style.background = "linear-gradient(to right," + stops + ")";
      const texts = bar.querySelectorAll(".ticks span");
      texts.forEach((text, i) => { text.textContent = show(low + (high - low) * i / (texts.length - 1), 3); });
      bar.querySelector(".name").textContent = (component === "von_mises" || component === "u" || component === "T" ? titles(component) : "stress " + component) + ", " + units(component);
    };

    /* ---------------- values at a place */
    const probe = (px, py) => {
      const w = canvas.width, at = Math.floor(py * ratio) * w + Math.floor(px * ratio);
      if (px < LEFT || py < TOP || px > wide - RIGHT || py > tall - FOOT || !(owner[at] >= 0)) return null;
      const c = owner[at], k = factor(), x = view.x + px * view.s, y = view.y - py * view.s;
      const weights = corners === 3 ? inTriangle(c, x, y, k) : inQuad(c, x, y, k);
      const sum = (field) => { let v = 0; for (let j = 0; j < corners; j++) v += weights[j] * field[cells[j][c]]; return v; };
      const found = { x: sum(X), y: sum(Y), region: head.regions[region[c]], u: [sum(U), sum(V)], values: {} };
      for (const name of Object.keys(fields)) found.values[name] = sum(fields[name]);
      return found;
    };
    const corner = (c, j, k) => { const i = cells[j][c]; return [X[i] + k * U[i], Y[i] + k * V[i]]; };
    const inTriangle = (c, x, y, k) => {
      const a = corner(c, 0, k), b = corner(c, 1, k), d = corner(c, 2, k), det = (b[0] - a[0]) * (d[1] - a[1]) - (b[1] - a[1]) * (d[0] - a[0]);
      const s = ((x - a[0]) * (d[1] - a[1]) - (y - a[1]) * (d[0] - a[0])) / det, t = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / det;
      return [1 - s - t, s, t];
    };
    const inQuad = (c, x, y, k) => {
      const p = [0, 1, 2, 3].map((j) => corner(c, j, k));
      let s = 0.5, t = 0.5;
      for (let step = 0; step < 8; step++) {
        const w = [(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t], ds = [t - 1, 1 - t, t, -t], dt = [s - 1, -s, s, 1 - s];
        let rx = x, ry = y, a = 0, b = 0, d = 0, e = 0;
        for (let j = 0; j < 4; j++) { rx -= w[j] * p[j][0]; ry -= w[j] * p[j][1]; a += ds[j] * p[j][0]; b += dt[j] * p[j][0]; d += ds[j] * p[j][1]; e += dt[j] * p[j][1]; }
        const det = a * e - b * d;
        if (det === 0) break;
        s += (rx * e - ry * b) / det;
        t += (a * ry - d * rx) / det;
      }
      s = Math.min(1, Math.max(0, s)); t = Math.min(1, Math.max(0, t));
      return [(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t];
    };
    const tell = (found) => {
      readout.replaceChildren();
      if (!found) { readout.textContent = "Point at the body, or tap it, for its values."; return; }
      const add = (name, text, strong) => {
        const item = document.createElement("span"), label = document.createElement("i");
        label.textContent = name;
        item.append(label, " " + text);
        if (strong) item.className = "now";
        readout.append(item);
      };
      add(head.axes.join(", "), show(found.x, 6) + ", " + show(found.y, 6) + " µm");
      add("in", found.region);
      for (const name of Object.keys(fields)) if (name !== "u") add(titles(name), show(found.values[name]) + " " + units(name), name === component);
      add("u", show(found.u[0]) + ", " + show(found.u[1]) + " µm", component === "u");
    };
    const mark = (found, ink) => {
      const k = factor(), [x, y] = toPx(found.x + k * found.u[0], found.y + k * found.u[1]);
      pen.lineWidth = 3; pen.strokeStyle = "#fff";
      const ring = () => { pen.beginPath(); pen.arc(x, y, 5, 0, 7); pen.stroke(); };
      ring(); pen.lineWidth = 1.4; pen.strokeStyle = "#111"; ring();
    };

    /* ---------------- controls */
    const at = (event) => { const r = canvas.getBoundingClientRect(); return [event.clientX - r.left, event.clientY - r.top]; };
    let drag = null;
    canvas.addEventListener("pointerdown", (event) => { drag = { at: at(event), moved: false }; if (event.pointerType === "mouse") canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      const [px, py] = at(event);
      if (drag && event.buttons) {
        const dx = px - drag.at[0], dy = py - drag.at[1];
        if (Math.hypot(dx, dy) > 4) drag.moved = true;
        if (drag.moved) {
          const w = windowNow();
          drag.at = [px, py]; home = null;
          setView([w[0] - dx * view.s, w[1] - dx * view.s, w[2] + dy * view.s, w[3] + dy * view.s]);
        }
      } else if (event.pointerType === "mouse") tell(probe(px, py) || pinned);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (drag && !drag.moved) { pinned = probe(...at(event)); tell(pinned); canvas.focus({ preventScroll: true }); ask(); }
      drag = null;
    });
    canvas.addEventListener("pointercancel", () => { drag = null; });
    canvas.addEventListener("pointerleave", () => tell(pinned));
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return;
      event.preventDefault();
      zoom(Math.exp(0.0015 * event.deltaY), ...at(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const w = windowNow(), dx = 0.15 * (w[1] - w[0]), dy = 0.15 * (w[3] - w[2]);
      const moves = { ArrowLeft: [-dx, 0], ArrowRight: [dx, 0], ArrowUp: [0, dy], ArrowDown: [0, -dy] };
      if (event.key === "+" || event.key === "=") zoom(0.7, (LEFT + wide) / 2, (tall - FOOT) / 2);
      else if (event.key === "-") zoom(1 / 0.7, (LEFT + wide) / 2, (tall - FOOT) / 2);
      else if (moves[event.key]) { const m = moves[event.key]; home = null; setView([w[0] + m[0], w[1] + m[0], w[2] + m[1], w[3] + m[1]]); }
      else return;
      event.preventDefault();
    });
    const middle = () => {
      if (pinned) { const k = factor(), p = toPx(pinned.x + k * pinned.u[0], pinned.y + k * pinned.u[1]); if (p[0] > LEFT && p[0] < wide && p[1] > 0 && p[1] < tall) return p; }
      return [(LEFT + wide) / 2, (tall - FOOT) / 2];
    };
    box.querySelector("button.in").addEventListener("click", () => zoom(0.5, ...middle()));
    box.querySelector("button.out").addEventListener("click", () => zoom(2, ...middle()));
    const go = box.querySelector("select");
    const goTo = (name) => { home = name; setView(places()[name]); };
    go.addEventListener("change", () => goTo(go.value));
    canvas.addEventListener("dblclick", () => goTo(go.value));
    slider.addEventListener("input", ask);
    wholeMesh.addEventListener("change", ask);
    fit.addEventListener("change", ask);
    const tabs = [...box.querySelectorAll("[role=tab]")];
    const choose = (name) => {
      component = name;
      for (const tab of tabs) { const on = tab.dataset.name === name; tab.setAttribute("aria-selected", String(on)); tab.tabIndex = on ? 0 : -1; }
      tell(pinned);
      ask();
    };
    for (const tab of tabs) {
      tab.addEventListener("click", () => choose(tab.dataset.name));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
        next.focus();
        choose(next.dataset.name);
      });
    }
    const resize = () => {
      const shown = box.querySelector(".stage").clientWidth;
      if (!shown) return;
      const w = head.window, body = (w[3] - w[2]) / (w[1] - w[0]);
      const before = view && windowNow();
      wide = shown;
      tall = Math.round(Math.min(Math.max((shown - LEFT - RIGHT) * body, 240), 0.8 * Math.max(innerHeight, 500), 560)) + TOP + FOOT;
      ratio = Math.min(devicePixelRatio || 1, 2);
      canvas.width = Math.round(wide * ratio); canvas.height = Math.round(tall * ratio);
      canvas.style.width = wide + "px"; canvas.style.height = tall + "px";
      setView(home ? places()[home] : before || head.window);
    };
    new ResizeObserver(resize).observe(box.querySelector(".stage"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ask);
    addEventListener("beforeprint", () => { printing = true; draw(); });
    addEventListener("afterprint", () => { printing = false; draw(); });
    box.classList.add("on");
    choose(component);
    resize();
    tell(null);
    window.femsim = { probe, head, show: goTo, choose, draw, fields, window: () => windowNow(), size: () => [wide, tall] };
  };
  unpack().then(start).catch((error) => { fail("The contour cannot be drawn: " + error.message); console.error(error); });
})();
