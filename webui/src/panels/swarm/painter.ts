// Paints a fleet on a canvas: one cell an agent, and only cells that changed.
import { colour } from "../../theme/theme";
import { STATES } from "../shared/states";
import type { Fleet } from "./fleet";

export interface Layout {
  columns: number;
  rows: number;
  /** Distance from cell to cell, and the cell itself, in CSS px. */
  pitch: number;
  cell: number;
}

const LARGEST = 44;
const SMALLEST = 4;

/** The largest cells with which all agents fit; when even the smallest do not, the grid scrolls. */
export function layout(total: number, width: number, height: number): Layout {
  let pitch = LARGEST;
  while (pitch > SMALLEST && Math.floor(width / pitch) * Math.floor(height / pitch) < total) pitch -= pitch > 12 ? 1 : 0.5;
  const columns = Math.max(1, Math.floor(width / pitch));
  const gap = pitch >= 30 ? 4 : pitch >= 14 ? 3 : pitch >= 7 ? 2 : 1;
  return { columns, rows: Math.ceil(total / columns), pitch, cell: pitch - gap };
}

export interface Look {
  filter: number | null;
  selected: ReadonlySet<number>;
}

export class Painter {
  private inks: string[] = [];
  private faded: string[] = [];
  private ground = "";
  private ring = "";
  private mark = "";
  private seen = -1;
  private painted = 0;

  constructor(
    private canvas: HTMLCanvasElement,
    private fleet: Fleet,
  ) {}

  /** Read the colours of the theme; everything is painted anew. */
  dress(): void {
    this.ground = colour("--surface");
    this.ring = colour("--text");
    this.mark = colour("--surface");
    this.inks = STATES.map((_, state) => colour(`--state-${state}`));
    this.faded = this.inks.map((ink) => `color-mix(in srgb, ${ink} 16%, ${this.ground})`);
    this.seen = -1;
  }

  again(): void {
    this.seen = -1;
  }

  paint(plan: Layout, look: Look): void {
    const pen = this.canvas.getContext("2d", { alpha: false })!;
    const ratio = devicePixelRatio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.seen !== this.fleet.generation) {
      this.seen = this.fleet.generation;
      pen.fillStyle = this.ground;
      pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
      for (let n = 0; n < this.fleet.total; n++) this.cell(pen, n, plan, look);
    } else {
      for (const n of this.fleet.dirty) this.cell(pen, n, plan, look);
      // How many cells were ever repainted: what is drawn can be measured from outside.
      this.canvas.dataset.painted = String((this.painted += this.fleet.dirty.size));
    }
    this.fleet.dirty.clear();
  }

  private cell(pen: CanvasRenderingContext2D, n: number, { columns, pitch, cell }: Layout, look: Look): void {
    const x = (n % columns) * pitch;
    const y = Math.floor(n / columns) * pitch;
    const state = this.fleet.states[n]!;
    const chosen = look.selected.has(n);
    pen.fillStyle = chosen ? this.ring : this.ground;
    pen.fillRect(x, y, pitch, pitch);
    pen.fillStyle = (look.filter === null || look.filter === state ? this.inks : this.faded)[state]!;
    const inset = chosen ? 2 : 0;
    if (cell < 11) pen.fillRect(x + inset / 2, y + inset / 2, cell - inset / 2, cell - inset / 2);
    else {
      pen.beginPath();
      pen.roundRect(x + inset, y + inset, cell - inset + (chosen ? 1 : 0), cell - inset + (chosen ? 1 : 0), cell > 24 ? 5 : 3);
      pen.fill();
      if (look.filter === null || look.filter === state) this.sign(pen, state, x, y, cell);
    }
  }

  /** A shape for those states that ask for a look, so that colour is not the only sign. */
  private sign(pen: CanvasRenderingContext2D, state: number, x: number, y: number, cell: number): void {
    const middle = cell / 2;
    pen.strokeStyle = pen.fillStyle = this.mark;
    pen.lineWidth = 1.6;
    pen.beginPath();
    if (state === 3) {
      const arm = cell * 0.18;
      pen.moveTo(x + middle - arm, y + middle - arm);
      pen.lineTo(x + middle + arm, y + middle + arm);
      pen.moveTo(x + middle + arm, y + middle - arm);
      pen.lineTo(x + middle - arm, y + middle + arm);
      pen.stroke();
    } else if (state === 5) {
      pen.arc(x + middle, y + middle, cell * 0.16, 0, 7);
      pen.fill();
    } else if (state === 4) {
      pen.moveTo(x + middle - cell * 0.2, y + middle);
      pen.lineTo(x + middle + cell * 0.2, y + middle);
      pen.stroke();
    }
  }
}
