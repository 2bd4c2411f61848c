import type { Edit } from '../labels/delta';
import type { IDrag } from '../input/gestures';
import { ijkAt, nearestVoxel } from '../view/geometry';
import type { LabelMap } from '../labels/label_map';
import type { Work } from '../labels/later';
import { Painter } from './painter';
import type { PlaneView } from '../view/plane_view';
import type { Settings } from '../settings';
import type { Triple } from '../../server/types';
import type { Volume } from '../view/volume';

/** What the tools do to the editor. */
export interface IToolHost {
  readonly volume: Volume;
  readonly labels: LabelMap;
  readonly settings: Settings;
  /** A stroke begins: others' edits wait. */
  beginEdit(): void;
  /** A stroke ended; the work makes its edit (null: it was cancelled). */
  endEdit(coding: Work<Edit | null> | null): void;
  moveCrosshair(ijk: Triple): void;
  /** Colour of the segment being drawn. */
  readonly color: string;
}

type Point = [number, number];

/** The left button, for whatever tool is chosen. */
export class ToolBox {
  constructor(private readonly _host: IToolHost) {}

  /** A polygon has corners and waits for more. */
  get isDrawingPolygon(): boolean {
    return this._corners.length > 0;
  }

  begin(view: PlaneView, at: Point): IDrag | null {
    switch (this._host.settings.values.tool) {
      case 'crosshair':
        return this._crosshair(view, at);
      case 'lasso':
        return this._lasso(view, at);
      case 'polygon':
        this._addCorner(view, at);
        return null;
      case 'fill':
        this._once(view, painter => painter.fillFrom(...at));
        return null;
      default:
        return this._brush(view, at);
    }
  }

  /** Shows the edge a polygon would get. */
  hover(view: PlaneView, at: Point): void {
    if (this._polygonView === view) {
      view.showOutline([...this._corners, at], this._host.color);
    }
  }

  closePolygon(): void {
    const view = this._polygonView;
    const corners = this._corners;
    this.dropPolygon();
    if (view && corners.length > 2) {
      this._once(view, painter => painter.enclose(corners));
    }
  }

  removeCorner(): void {
    this._corners.pop();
    this._polygonView?.showOutline(this._corners, this._host.color);
    if (this._corners.length === 0) {
      this.dropPolygon();
    }
  }

  dropPolygon(): void {
    this._polygonView?.showOutline([]);
    this._polygonView = null;
    this._corners = [];
  }

  private _crosshair(view: PlaneView, at: Point): IDrag {
    const move = (x: number, y: number) => {
      const ijk = ijkAt(view.slice, x, y, view.index);
      this._host.moveCrosshair(nearestVoxel(this._host.volume.info.shape, ijk));
    };
    move(...at);
    return { move, end: () => undefined, cancel: () => undefined };
  }

  private _brush(view: PlaneView, at: Point): IDrag {
    const painter = this._painter(view);
    this._host.beginEdit();
    painter.brushTo(...at);
    return {
      move: (x, y) => painter.brushTo(x, y),
      end: () => this._host.endEdit(painter.coding()),
      cancel: () => {
        painter.cancel();
        this._host.endEdit(null);
      }
    };
  }

  private _lasso(view: PlaneView, at: Point): IDrag {
    const outline: Point[] = [at];
    view.showOutline(outline, this._host.color);
    return {
      move: (x, y) => {
        outline.push([x, y]);
        view.showOutline([...outline, outline[0]], this._host.color);
      },
      end: () => {
        view.showOutline([]);
        this._once(view, painter => painter.enclose(outline));
      },
      cancel: () => view.showOutline([])
    };
  }

  private _addCorner(view: PlaneView, at: Point): void {
    if (this._polygonView !== view) {
      this.dropPolygon();
      this._polygonView = view;
    }
    const [first] = this._corners;
    const near = 8 / view.scale / Math.min(view.slice.sizeU, view.slice.sizeV);
    if (
      this._corners.length > 2 &&
      Math.hypot(first[0] - at[0], first[1] - at[1]) < near
    ) {
      this.closePolygon();
      return;
    }
    this._corners.push(at);
    view.showOutline(this._corners, this._host.color);
  }

  private _once(view: PlaneView, paint: (painter: Painter) => void): void {
    const painter = this._painter(view);
    this._host.beginEdit();
    paint(painter);
    this._host.endEdit(painter.coding());
  }

  private _painter(view: PlaneView): Painter {
    const { labels, volume, settings } = this._host;
    return new Painter(labels, volume, settings, view.slice, view.index);
  }

  private _corners: Point[] = [];
  private _polygonView: PlaneView | null = null;
}
