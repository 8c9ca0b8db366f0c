import type { ProblemCatalogue } from '#runtime/problem.ts'

/** Every way the virtual pad refuses a request. */
export const PROBLEMS = {
  'body-not-valid': {
    status: 400,
    title: { zh: '请求内容不正确', en: 'The request body is not valid' },
    remedy: { zh: '按 detail 的说明改正后重试', en: 'Correct what detail names and try again' },
  },
  'key-not-on-this-pad': {
    status: 400,
    title: { zh: '该评价器没有这个按键', en: 'This pad has no such key' },
    remedy: { zh: '只能按 /v1/state 中 keys 列出的键', en: 'Press a key that /v1/state lists under keys' },
  },
  unplugged: {
    status: 409,
    title: { zh: '评价器未接入', en: 'The pad is unplugged' },
    remedy: { zh: '先接入评价器', en: 'Plug the pad in first' },
  },
  'link-not-usable': {
    status: 409,
    title: { zh: '设备链接无法建立', en: 'The link to the device cannot be made' },
    remedy: {
      zh: '换一个 --link 路径，或移走占用它的文件',
      en: 'Choose another --link or move away what stands there',
    },
  },
  'no-controls': {
    status: 409,
    title: { zh: '没有可用的网络和电源开关', en: 'There are no switches for network and power' },
    remedy: { zh: '启动时用 --controls 指定', en: 'Name them with --controls at the start' },
  },
  'controls-not-reachable': {
    status: 502,
    title: { zh: '网络和电源开关没有响应', en: 'The switches for network and power do not answer' },
    remedy: { zh: '检查 --controls 指向的程序', en: 'Look after the program that --controls names' },
  },
  'media-type-not-supported': {
    status: 415,
    title: { zh: '只接受 application/json', en: 'Only application/json is accepted' },
    remedy: { zh: '设置 content-type: application/json', en: 'Send content-type: application/json' },
  },
  'body-too-large': {
    status: 413,
    title: { zh: '请求内容过大', en: 'The request body is too large' },
    remedy: { zh: '最多 4096 字节', en: 'At most 4096 bytes' },
  },
  'method-not-allowed': {
    status: 405,
    title: { zh: '该地址不支持此方法', en: 'This address does not take this method' },
    remedy: { zh: '读取用 GET，操作用 POST', en: 'GET to read, POST to act' },
  },
  'not-found': {
    status: 404,
    title: { zh: '没有这个地址', en: 'There is nothing here' },
    remedy: { zh: '接口都在 /v1/ 之下', en: 'The interface is under /v1/' },
  },
} as const satisfies ProblemCatalogue
export type ProblemCode = keyof typeof PROBLEMS
