/**
 * Who may import whom. Run through `npm run check -- --only layering` (scripts/layering.ts says why not
 * directly); there every module carries the ending .ts.js or .vue.js.
 */
/** Tests beside the code, and what several of them share. */
const TEST = '(\\.test\\.ts\\.js$|/fixtures/)'
const PAGES = '^(agent/panel/page|virtual-pad/page|collector/console|runtime/page)/'
const PAGE_CONFIG = '/vite[.-]config\\.ts\\.js$'

/** Everything of ours that `folder` may see besides itself; everything else of ours is forbidden. */
function mayOnlySee(folder, ...seen) {
  const own = [
    'protocol',
    'runtime',
    'agent',
    'collector',
    'provisioning',
    'virtual-pad',
    'pad-tools',
    'cli',
    'scripts',
    'test',
  ]
  return {
    name: `${folder}-sees-only-${seen.join('-').replaceAll('/', '-') || 'itself'}`,
    comment: `${folder} may import ${[folder, ...seen].join(', ')} and nothing else of ours`,
    severity: 'error',
    // Tests beside the code see everything, as those in test/ do; but see sides-stay-apart.
    from: { path: `^${folder}/`, pathNot: TEST },
    to: { path: `^(${own.join('|')})/`, pathNot: `^(${[folder, ...seen].join('|')})/` },
  }
}

/** Parts of one side that are joined only by its main.ts, each through an interface it declares itself. */
function stayApart(side, parts) {
  return {
    name: `${side}-edges-stay-apart`,
    comment: `the edges of ${side} (${parts.join(', ')}) are joined in ${side}/main.ts and nowhere else`,
    severity: 'error',
    from: { path: `^${side}/(${parts.join('|')})/`, pathNot: TEST },
    to: { path: `^${side}/(${parts.join('|')})/`, pathNot: `^${side}/$1/` },
  }
}

const AGENT_EDGES = ['port', 'journal', 'uplink', 'panel', 'health']
const WORLD =
  '^(fs|fs/promises|net|tls|dgram|dns|http|http2|https|child_process|cluster|worker_threads|os)$' +
  '|node_modules/(@serialport|mqtt|better-sqlite3|aedes|kysely|fastify|hono|@hono|pino|johnny-five|firmata-io)/'

module.exports = {
  forbidden: [
    mayOnlySee('protocol'),
    mayOnlySee('runtime', 'protocol'),
    mayOnlySee('agent', 'protocol', 'runtime'),
    mayOnlySee('collector', 'protocol', 'runtime'),
    mayOnlySee('provisioning', 'protocol', 'runtime'),
    mayOnlySee('virtual-pad', 'protocol', 'runtime', 'agent/pad'),
    mayOnlySee('pad-tools', 'protocol', 'runtime', 'agent/pad', 'agent/port'),
    {
      name: 'sides-stay-apart',
      comment: 'agent and collector never see each other, in their tests neither: what crosses belongs in test/',
      severity: 'error',
      from: { path: '^(agent|collector)/' },
      to: { path: '^(agent|collector)/', pathNot: '^$1/' },
    },
    stayApart('agent', AGENT_EDGES),
    {
      name: 'agent-core-sees-no-edge',
      comment: 'pad and rating are driven by the edges, never the other way round',
      severity: 'error',
      from: { path: '^agent/(pad|rating|clock)/', pathNot: TEST },
      to: { path: `^agent/(main|${AGENT_EDGES.join('|')})` },
    },
    {
      name: 'agent-core-is-pure',
      comment: 'pad and rating touch no file, network, process or device; only load-profile reads its files',
      severity: 'error',
      from: { path: '^agent/(pad|rating)/', pathNot: [TEST, '^agent/pad/load-profile'] },
      to: { path: WORLD },
    },
    {
      name: 'protocol-is-pure',
      comment: 'the words both sides share touch no file, network, process or device',
      severity: 'error',
      from: { path: '^protocol/', pathNot: TEST },
      to: { path: WORLD },
    },
    {
      name: 'pages-run-in-a-browser',
      comment: 'a page cannot import what only Node has',
      severity: 'error',
      from: { path: PAGES, pathNot: [TEST, PAGE_CONFIG] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-cycles',
      comment: 'modules that import each other cannot be understood one at a time',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared-packages-only',
      comment: 'what is imported stands in package.json',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'pages-share-only-with-pages',
      comment: 'runtime/page is for browsers; nothing that runs on a box or at the centre imports it',
      severity: 'error',
      from: { pathNot: [PAGES, TEST] },
      to: { path: '^runtime/page/' },
    },
    {
      name: 'no-development-package-in-production',
      comment: 'what runs on a box or at the centre needs no development dependency; pages are built beforehand',
      severity: 'error',
      from: {
        path: '^(protocol|runtime|agent|collector|provisioning|virtual-pad|pad-tools|cli)/',
        pathNot: [TEST, PAGES],
      },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}
