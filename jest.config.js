// Node's own type stripping is the whole transform: the tests run the sources as they are written.
const project = (name, testMatch, more = {}) => ({
  displayName: name,
  testMatch: testMatch.map((glob) => `<rootDir>/test/${glob}`),
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/runner/strip-types.cjs' },
  ...more,
});

// One control plane for the run; Jest starts it only when a test of such a project runs.
const controlPlane = {
  globalSetup: '<rootDir>/test/controlplane/global-setup.ts',
  globalTeardown: '<rootDir>/test/controlplane/global-teardown.ts',
};

export default {
  // Of all levels, for a project's own is not heeded: a busy machine is no failure.
  testTimeout: 30_000,
  projects: [
    project('unit', ['!(integration|e2e)/**/*.test.ts', '*.test.ts']),
    project('integration', ['integration/**/*.test.ts'], controlPlane),
    project('e2e', ['e2e/**/*.test.ts'], controlPlane),
  ],
};
