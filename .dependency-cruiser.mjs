// The arrows between and inside the packages: imports go down only, type imports counted. The
// picture is in docs/architecture.md.

/**
 * What each package may import of the others, beside itself.
 *
 * @type {Record<string, string[]>}
 */
const mayImport = {
  core: [],
  'backend-cpu': ['core'],
  'backend-wasm': ['core'],
  'backend-gpu': ['core'],
  'backend-native': ['core'],
  nn: ['core'],
  io: ['core', 'nn'],
  train: ['core', 'nn', 'io'],
  conformance: ['core', 'nn', 'io', 'train'],
};

/** @param {string} name */
const sources = (name) => `^packages/${name}/src/`;

/**
 * @param {string} name
 * @param {string[]} below
 * @returns {import('dependency-cruiser').IForbiddenRuleType}
 */
function downwards(name, below) {
  const allowed = below.map((other) => `@rnn/${other}`).join(' and ') || 'no other package of the workspace';
  return {
    name: `${name}-imports-downwards`,
    comment: `@rnn/${name} may import ${allowed}.`,
    severity: 'error',
    from: { path: sources(name) },
    to: {
      path: '^(packages|apps|tooling)/',
      // Its own version stands in its manifest.
      pathNot: [`^packages/(${[name, ...below].join('|')})/src/`, `^packages/${name}/package[.]json$`],
    },
  };
}

/**
 * The floors of core's compiler, lowest first: each imports of those before it only. The last one
 * is what stands in the folder itself.
 */
const compilerFloors = ['ir', 'trace', 'lower', 'cache', 'run', '[^/]+[.]ts$'];
const compiler = `${sources('core')}compiler/`;

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circles',
      comment:
        'Files, and so packages, import one another in one direction. Move what both need into a third file below them.',
      severity: 'error',
      from: { path: '^(packages|apps|tooling)/' },
      to: { circular: true },
    },
    ...Object.entries(mayImport).map(([name, below]) => downwards(name, below)),
    ...compilerFloors.slice(0, -1).map((floor, i) => ({
      name: `compiler-${floor}-imports-downwards`,
      comment: `Folders of the compiler import downwards: ${compilerFloors.slice(0, -1).join(', ')}, then the files above them.`,
      severity: /** @type {const} */ ('error'),
      from: { path: `${compiler}${floor}/` },
      to: { path: `${compiler}(${compilerFloors.slice(i + 1).join('|')})` },
    })),
    {
      name: 'scan-below-the-compiler',
      comment:
        'What a loop is (its arguments, its eager form, random numbers, taps) knows nothing of how it is compiled.',
      severity: 'error',
      from: { path: `${sources('core')}scan/` },
      to: { path: compiler },
    },
    {
      name: 'packages-are-listed',
      comment: 'A new package is added to the table of allowed arrows in .dependency-cruiser.mjs.',
      severity: 'error',
      from: { path: '^packages/', pathNot: `^packages/(${Object.keys(mayImport).join('|')})/` },
      to: {},
    },
    {
      name: 'through-the-front-door',
      comment: "Another package is imported by its name ('@rnn/core'), not by a path into it.",
      severity: 'error',
      // Kernels are compiled ahead of time, with the functions of the WebAssembly backend: nothing
      // of it is imported by what is published.
      from: { path: '^(packages|apps)/([^/]+)/', pathNot: '^packages/io/assembly/' },
      to: { path: '^packages/', pathNot: '^packages/$2/', dependencyTypes: ['local'] },
    },
    {
      name: 'apps-stand-on-top',
      comment: 'Nothing imports an app.',
      severity: 'error',
      from: { path: '^(packages|tooling)/' },
      to: { path: '^apps/' },
    },
    {
      name: 'sources-import-no-tests',
      comment: 'What is published does not depend on tests.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: '/test/' },
    },
    {
      name: 'resolvable',
      comment: 'Every import leads somewhere; those with a query, and virtual ones, are for Vite.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '[?]url|^virtual:' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|build|coverage|test-results)/' },
    // Type imports are arrows too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      conditionNames: ['@rnn/source', 'import', 'types', 'default'],
      exportsFields: ['exports'],
    },
  },
};
