import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: '.',
  test: { include: ['tests/labextension/**/*.spec.ts'], environment: 'node' }
});
