// The layers of docs/architecture.md, checked by `npm run check`. Imports point downwards only.
const only = (name, from, allowed, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { pathNot: allowed },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    only(
      'core-is-pure',
      '^src/core/',
      ['^src/core/', '^node_modules/zod/'],
      'Policy is pure: no node module, no clock',
    ),
    only('drivers-are-pure', '^src/drivers/', ['^src/drivers/', '^src/core/'], 'Drivers run in the pane host'),
    {
      name: 'core-no-builtins',
      severity: 'error',
      from: { path: '^src/(core|drivers)/' },
      to: { dependencyTypes: ['core'] },
    },
    only(
      'system-on-core',
      '^src/system/',
      ['^src/(system|core|supervisor/ports)', '^node_modules/', '^(node:)?[a-z_/]+$'],
      'Edges know no policy',
    ),
    only(
      'host-is-small',
      '^src/host/',
      [
        '^src/(host|drivers|core)/',
        '^src/system/((clock|disk|paths|environment|redact|lock|spawn)\\.ts|proc/|journal/(writer|reader|lines|append|sync)\\.ts)',
        '^(node:)?[a-z_/]+$',
      ],
      'Built-ins only',
    ),
    only(
      'supervisor',
      '^src/supervisor/',
      ['^src/(supervisor|core|drivers)/', '^node_modules/', '^(node:)?[a-z_/]+$'],
      'Edges come through ports',
    ),
    only(
      'api-on-facade',
      '^src/api/',
      ['^src/api/', '^src/core/', '^src/supervisor/facade', '^node_modules/', '^(node:)?[a-z_/]+$'],
      'api knows the facade only',
    ),
    only(
      'client',
      '^src/client/',
      ['^src/client/', '^src/api/wire', '^src/core/', '^node_modules/', '^(node:)?[a-z_/]+$'],
      'client knows the wire only',
    ),
    only(
      'cli-on-client',
      '^src/cli/(?!local/)',
      ['^src/(cli|client|core)/', '^src/api/wire', '^node_modules/', '^(node:)?[a-z_/]+$'],
      'Commands speak to the client',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
