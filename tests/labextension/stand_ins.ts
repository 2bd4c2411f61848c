import { vi } from 'vitest';

/** What jsdom lacks: drawing on a canvas, dragging, and watching where elements are. */
export function standInForBrowser(): void {
  class Watcher {
    observe() {}
    unobserve() {}
    disconnect() {}
  }
  vi.stubGlobal('DragEvent', MouseEvent);
  vi.stubGlobal('ResizeObserver', Watcher);
  vi.stubGlobal('IntersectionObserver', Watcher);
  vi.stubGlobal('matchMedia', () => ({
    matches: false,
    addEventListener: () => undefined,
    removeEventListener: () => undefined
  }));
  vi.stubGlobal(
    'ImageData',
    class {
      readonly data: Uint8ClampedArray;
      constructor(
        readonly width: number,
        readonly height: number
      ) {
        this.data = new Uint8ClampedArray(4 * width * height);
      }
    }
  );
  HTMLCanvasElement.prototype.getContext = (() => drawing()) as never;
}

/** A context that can be asked for everything and draws nothing. */
function drawing(): unknown {
  const given: Record<string, unknown> = {
    measureText: () => ({ width: 5 }),
    createImageData: (width: number, height: number) => ({
      ...{ width, height },
      data: new Uint8ClampedArray(4 * width * height)
    })
  };
  return new Proxy(given, {
    get: (all, name: string) => all[name] ?? (() => undefined),
    set: () => true
  });
}
