import { DocumentModel, TextModelFactory } from '@jupyterlab/docregistry';
import type { DocumentRegistry } from '@jupyterlab/docregistry';

/**
 * A document without content: the scan's voxels come from the medlab server, slab by slab.
 *
 * With the file's format null JupyterLab asks for the file's name and date only; with any
 * other it would fetch a scan of 300 MB as base64.
 */
export class ScanModelFactory extends TextModelFactory {
  override get name(): string {
    return 'medlab-scan';
  }

  override get fileFormat(): 'text' {
    // The interface allows null here; the class it comes from has narrowed it.
    return null as unknown as 'text';
  }

  override createNew(
    options?: DocumentRegistry.IModelOptions<never>
  ): DocumentModel {
    return new ScanModel({
      collaborationEnabled: false,
      languagePreference: options?.languagePreference
    });
  }
}

/** Never dirty, never saved. */
class ScanModel extends DocumentModel {
  override fromString(): void {
    // There is no content.
  }

  override get readOnly(): boolean {
    return true;
  }

  override set readOnly(_value: boolean) {
    // Always.
  }
}
