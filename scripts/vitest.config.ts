import { defineConfig } from 'vitest/config';

/** Real processes, tmux and sockets: these projects run their files one after another. */
const serial = {
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  globalSetup: ['test/support/leaks.ts'],
};

const project = (name: string, extra: object = {}) => ({
  test: { name, root: '.', include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  test: {
    root: '.',
    projects: [
      // Property tests on a busy machine take their time; nothing here measures it.
      project('unit', { testTimeout: 60_000 }),
      project('contract', serial),
      project('tmux', serial),
      project('sim', { testTimeout: 300_000 }),
      project('e2e', { ...serial, testTimeout: 180_000 }),
      project('real', { ...serial, testTimeout: 600_000 }),
    ],
  },
});
