/** Tells listeners that something happened. */
export class Emitter<T> {
  private readonly _listeners = new Set<(value: T) => void>();

  /** @returns a function that stops the listening */
  connect(listener: (value: T) => void): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  emit(value: T): void {
    for (const listener of [...this._listeners]) {
      listener(value);
    }
  }

  clear(): void {
    this._listeners.clear();
  }
}
