// Node's own type stripping is the whole transform: the tests run the sources as they are written.
const project = (name, testMatch, more = {}) => ({
  displayName: name,
  testMatch: testMatch.map((glob) => `<rootDir>/test/${glob}`),
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.cjs' },
  ...more,
});

export default {
  projects: [
    project('unit', ['{api,core,dns,engine,kube,probe,serve,support}/**/*.test.ts', '*.test.ts']),
    project('integration', ['integration/**/*.test.ts']),
    project('e2e', ['e2e/**/*.test.ts']),
  ],
};
