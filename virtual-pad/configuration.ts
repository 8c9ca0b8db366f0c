import Type from 'typebox'

/** Settings of the virtual pad; `virtual-pad.example.yaml` shows them all. */
export const VirtualPadConfigurationSchema = Type.Object(
  {
    profile: Type.String({ minLength: 1, maxLength: 200, title: '型号 A name under device-profiles, or a folder' }),
    address: Type.Optional(Type.Integer({ minimum: 0, maximum: 255, title: '总线地址 Address on a shared line' })),
    variant: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9-]{1,40}$',
        title: '变体 Variant of the profile: firmware, option, screen project',
      }),
    ),
    link: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, title: '固定的设备路径 A device path that stays' }),
    ),
    host: Type.String({ default: '127.0.0.1', maxLength: 100, title: '监听地址 Address to listen on' }),
    port: Type.Integer({ default: 8620, minimum: 0, maximum: 65_535, title: '端口，0 为任选 Port, 0 for any' }),
    controls: Type.Optional(
      Type.String({ pattern: '^http://', maxLength: 200, title: '网络与电源开关的地址 Switches of network and power' }),
    ),
    lineEchoes: Type.Boolean({ default: false, title: '线路回显 The line brings back what the box sends' }),
    seed: Type.Integer({ default: 1, minimum: 0, maximum: 2_147_483_647, title: '干扰的种子 Seed of the disturbance' }),
  },
  { additionalProperties: false, title: '虚拟评价器配置 Virtual pad' },
)
export type VirtualPadConfiguration = Type.Static<typeof VirtualPadConfigurationSchema>

export const VIRTUAL_PAD_ENVIRONMENT_PREFIX = 'CHUANGPING_VIRTUAL_PAD'
