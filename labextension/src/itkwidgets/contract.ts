/** What the bridge puts on the page for the widget, which is a module of its own. */
export interface IItkwidgetsBridge {
  /** Connects a kernel's itkwidgets viewer; its window goes into `host`. */
  connect(kernelId: string, host: HTMLElement): Promise<void>;
}

declare global {
  interface Window {
    medlabItkwidgets?: IItkwidgetsBridge;
  }
}
