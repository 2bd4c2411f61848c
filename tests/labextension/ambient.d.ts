// The little of Node and React DOM that tests use; the labextension itself uses neither,
// so their types stay out of its dependencies.

declare module 'node:fs' {
  export function readFileSync(path: string, encoding: 'utf8'): string;
  export function readFileSync(path: string): Uint8Array;
  export function readdirSync(
    path: string,
    options: { recursive: true; encoding: 'utf8' }
  ): string[];
}

declare module 'node:readline' {
  export function createInterface(options: {
    input: unknown;
  }): AsyncIterable<string>;
}

declare module 'node:child_process' {
  export function execFileSync(
    program: string,
    args: readonly string[],
    options: { encoding: 'utf8' }
  ): string;
}

declare module 'react-dom' {
  export function flushSync(work: () => void): void;
}

declare module 'react-dom/client' {
  import type { ReactNode } from 'react';

  export interface Root {
    render(node: ReactNode): void;
    unmount(): void;
  }
  export function createRoot(host: Element): Root;
}
