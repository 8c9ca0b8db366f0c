/** What the OpenAPI document says besides its paths. */
export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: '窗评汇集中心接口 Chuangping collector API',
    version: '1.0.0',
    description:
      '业务系统登记办件服务、请求邀评，页面读取结果。错误按 RFC 9457 返回，语言取 Accept-Language，默认中文。\n\n' +
      'Business systems register services and ask for prompts; pages read what came of them. ' +
      'Errors are RFC 9457 problems in the language of Accept-Language, Chinese by default.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  tags: [
    { name: 'services', description: '办件服务 Services and their ratings' },
    { name: 'prompts', description: '邀评 Prompts' },
    { name: 'fleet', description: '盒子与运行 Boxes and running' },
  ],
  components: {
    securitySchemes: {
      key: {
        type: 'http' as const,
        scheme: 'bearer',
        description:
          '由 chuangping collector key add 生成，带权限 services:write、prompts:write、fleet:write 或 read。' +
          'Made by that command, with scopes. Reading from the same machine may need none.',
      },
    },
  },
}
