import {
  cmapper,
  DRAG_MODE,
  Niivue,
  NVImage,
  SLICE_TYPE
} from '@niivue/niivue';

import type { Triple } from '../server/types';
import type { Box } from '../server/voxels';
import { niftiOf } from './nifti';
import { patchOf } from './ras';
import { reduceScene, stepsFor } from './reduce';
import {
  type IClip,
  type IOverlay,
  type IOverlaySegment,
  type IScene,
  type IView3D,
  NoWebGLError
} from './types';

/** Texture unit of the drawing layer in NiiVue 0.69.0, which we fill with labels. */
const DRAW_UNIT = 33984 + 7;
const NO_CLIP = 2;
/** From the front, a little from above: the patient's left is on the right. */
const FRONT = { azimuth: 180, elevation: 10 };

/**
 * A volume rendering in `host`.
 *
 * @throws NoWebGLError when the browser has no WebGL 2
 */
export async function createView3D(host: HTMLElement): Promise<IView3D> {
  if (!hasWebGL2()) {
    throw new NoWebGLError();
  }
  const canvas = document.createElement('canvas');
  canvas.className = 'medlab-View3D-canvas';
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', '3D view: drag turns it, the wheel zooms');
  host.append(canvas);
  const niivue = new Niivue({
    backColor: [0, 0, 0, 1],
    dragAndDropEnabled: false,
    dragMode: DRAG_MODE.none,
    isOrientCube: true,
    isRadiologicalConvention: true,
    isClipAllVolumes: false,
    show3Dcrosshair: false,
    crosshairWidth: 0,
    logLevel: 'error',
    sliceType: SLICE_TYPE.RENDER,
    loadingText: ''
  });
  await niivue.attachToCanvas(canvas, false);
  return new NiivueView(niivue, canvas);
}

/** Draws with NiiVue; labels go into its drawing layer, box by box. */
class NiivueView implements IView3D {
  constructor(
    private _niivue: Niivue,
    private _canvas: HTMLCanvasElement
  ) {}

  async show(scene: IScene): Promise<void> {
    const niivue = this._niivue;
    this._overlay = null;
    this._shape = scene.shape;
    this._steps = stepsFor(scene.shape);
    const { center, width } = scene.window;
    const image = await NVImage.loadFromUrl({
      url: niftiOf(reduceScene(scene, this._steps)),
      name: 'scan.nii',
      colormap: 'gray',
      cal_min: center - width / 2,
      cal_max: center + width / 2
    });
    if (this._disposed) {
      return;
    }
    niivue.drawBitmap = null;
    while (niivue.volumes.length > 0) {
      niivue.removeVolume(niivue.volumes[0]);
    }
    niivue.addVolume(image);
    this._permutation = (image.permRAS ?? [1, 2, 3]).slice(0, 3) as Triple;
    this.setCamera(FRONT.azimuth, FRONT.elevation);
    this._applyOpacity();
  }

  setOverlay(overlay: IOverlay | null): void {
    this._overlay = overlay;
    const niivue = this._niivue;
    if (!overlay || niivue.volumes.length === 0) {
      niivue.drawBitmap = null;
      niivue.drawScene();
      return;
    }
    if (!niivue.drawBitmap) {
      niivue.createEmptyDrawing();
    }
    this._applySegments(overlay.segments);
    this.updateOverlay();
  }

  setSegments(segments: readonly IOverlaySegment[]): void {
    if (this._overlay) {
      this.setOverlay({ data: this._overlay.data, segments });
    }
  }

  updateOverlay(box?: Box): void {
    if (!this._overlay) {
      return;
    }
    const patch = patchOf(
      this._overlay.data,
      this._shape,
      this._steps,
      this._permutation,
      this._slots,
      box
    );
    if (patch.values.length > 0) {
      const { gl } = this._niivue;
      gl.activeTexture(DRAW_UNIT);
      gl.bindTexture(gl.TEXTURE_3D, this._niivue.drawTexture);
      gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
      gl.texSubImage3D(
        gl.TEXTURE_3D,
        0,
        ...patch.start,
        ...patch.size,
        gl.RED,
        gl.UNSIGNED_BYTE,
        patch.values
      );
      this._niivue.drawScene();
    }
  }

  setWindow(center: number, width: number): void {
    const image = this._niivue.volumes[0];
    if (image) {
      image.cal_min = center - width / 2;
      image.cal_max = center + width / 2;
      this._niivue.updateGLVolume();
    }
  }

  setOpacity(scan: number, overlay: number): void {
    this._opacity = { scan, overlay };
    this._applyOpacity();
  }

  setClip(clip: IClip | null): void {
    this._niivue.setClipPlane(
      clip ? [clip.depth, clip.azimuth, clip.elevation] : [NO_CLIP, 0, 0]
    );
  }

  setCamera(azimuth: number, elevation: number): void {
    this._niivue.setRenderAzimuthElevation(azimuth, elevation);
  }

  redraw(): void {
    // Without a size it would be cleared, and stay so.
    if (
      !this._disposed &&
      this._canvas.offsetWidth * this._canvas.offsetHeight
    ) {
      this._niivue.resizeListener();
    }
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this._niivue.cleanup();
    // A browser keeps about 16 contexts: one that is not given back costs another view its own.
    this._niivue.gl.getExtension('WEBGL_lose_context')?.loseContext();
    this._canvas.remove();
  }

  private _applyOpacity(): void {
    this._niivue.drawOpacity = this._opacity.overlay;
    if (this._niivue.volumes.length > 0) {
      this._niivue.setOpacity(0, this._opacity.scan);
    }
  }

  /** Gives each segment a slot of NiiVue's 256 colours. */
  private _applySegments(segments: readonly IOverlaySegment[]): void {
    const table = new Uint8ClampedArray(4 * 256);
    this._slots.fill(255);
    this._slots[0] = 0;
    table.set([128, 128, 128, 255], 4 * 255); // an id that no segment has
    segments.slice(0, 254).forEach(({ id, color, visible, alpha }, n) => {
      const rgb = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16));
      this._slots[id] = n + 1;
      table.set([...rgb, visible ? 255 * (alpha ?? 1) : 0], 4 * (n + 1));
    });
    const empty = cmapper.makeDrawLut('$itksnap');
    this._niivue.drawLut = { ...empty, lut: table };
    this._niivue.refreshColormaps();
  }

  private _overlay: IOverlay | null = null;
  private _shape: Triple = [0, 0, 0];
  private _steps: Triple = [1, 1, 1];
  private _permutation: Triple = [1, 2, 3];
  private _slots = new Uint8Array(65536);
  private _opacity = { scan: 1, overlay: 1 };
  private _disposed = false;
}

function hasWebGL2(): boolean {
  const gl = document.createElement('canvas').getContext('webgl2');
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  return gl !== null;
}
