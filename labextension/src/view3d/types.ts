import type { ISegment, Triple } from '../server/types';
import type { Box, Labels, Voxels } from '../server/voxels';

/** A scan as it is drawn: voxels with i fastest, then j, then k. */
export interface IScene {
  shape: Triple;
  /** 4x4, voxel -> RAS+ mm, row by row. */
  affine: number[][];
  /** 1, or 3 with the channel fastest. */
  channels: 1 | 3;
  data: Voxels;
  window: { center: number; width: number };
}

/** What is drawn over the scan, on the scan's own grid. */
export interface IOverlay {
  data: Labels;
  segments: readonly IOverlaySegment[];
}

/** A segment, and how much of what lies behind it shows through. */
export type IOverlaySegment = Pick<
  ISegment,
  'id' | 'name' | 'color' | 'visible'
> & {
  /** 0..1, 1 where it is not given. */
  alpha?: number;
};

/** Where the clip plane cuts, seen from the middle of the scan. */
export interface IClip {
  /** -0.9 (far side) .. 0.9 (near side); 0 cuts through the middle. */
  depth: number;
  /** Degrees round the patient, 0 from behind, 180 from the front. */
  azimuth: number;
  /** Degrees above the horizon. */
  elevation: number;
}

/** A 3D view. Angles in degrees; every change is drawn at once. */
export interface IView3D {
  /** Draws another scan; drops the overlay. */
  show(scene: IScene): Promise<void>;
  setOverlay(overlay: IOverlay | null): void;
  /** Redraws the part of the overlay's array that has changed in place. */
  updateOverlay(box?: Box): void;
  /** New names, colours or visibility for the overlay as it is. */
  setSegments(segments: readonly IOverlaySegment[]): void;
  setWindow(center: number, width: number): void;
  /** 0 hides, 1 is solid. */
  setOpacity(scan: number, overlay: number): void;
  setClip(clip: IClip | null): void;
  setCamera(azimuth: number, elevation: number): void;
  /** Draws again, as large as the host now is. */
  redraw(): void;
  dispose(): void;
}

/** What the lazily loaded part offers. */
export interface IView3DModule {
  createView3D(host: HTMLElement): Promise<IView3D>;
}

/** The browser cannot draw in 3D; the message says what to do. */
export class NoWebGLError extends Error {
  constructor() {
    super(
      'The 3D view needs WebGL 2, which this browser does not offer. ' +
        'Turn on hardware acceleration, or open the page in another browser.'
    );
    this.name = 'NoWebGLError';
  }
}
