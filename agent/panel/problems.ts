import type { ProblemCatalogue } from '#runtime/problem.ts'

/** Every way the box's local API can refuse, with what to do about it. */
export const PANEL_PROBLEMS = {
  'bad-request': {
    status: 400,
    title: { zh: '请求内容不正确', en: 'The request is not valid' },
    remedy: {
      zh: '按接口说明（/openapi.json）修改后重试。',
      en: 'Correct it by the API description (/openapi.json) and send it again.',
    },
  },
  'case-number-missing': {
    status: 400,
    title: { zh: '缺少办件编号', en: 'The case number is missing' },
    remedy: {
      zh: '填写办件编号；确实没有编号时，请明确设置 withoutCase 为 true，事后再关联。',
      en: 'Give the case number; if there really is none, say withoutCase: true, and it is tied later.',
    },
  },
  'window-missing': {
    status: 400,
    title: { zh: '未指明窗口', en: 'The window is not named' },
    remedy: { zh: '本机服务多个窗口，请指明其中一个。', en: 'This box serves several windows: name one.' },
  },
  'pairing-required': {
    status: 401,
    title: { zh: '本机尚未配对', en: 'This computer is not paired' },
    remedy: {
      zh: '在盒子上运行 chuangping pair 取得六位配对码，填入页面。',
      en: 'Run "chuangping pair" on the box and enter the six digits it prints.',
    },
  },
  'pairing-refused': {
    status: 403,
    title: { zh: '配对码不正确或已过期', en: 'The pairing code is wrong or has expired' },
    remedy: { zh: '在盒子上重新运行 chuangping pair。', en: 'Run "chuangping pair" on the box again.' },
  },
  'origin-refused': {
    status: 403,
    title: { zh: '不允许来自该网页的请求', en: 'Requests from this web page are not allowed' },
    remedy: {
      zh: '如确属业务系统网页，请将其来源加入配置 panel.allowedOrigins。',
      en: 'If it is a business system of yours, add its origin to panel.allowedOrigins.',
    },
  },
  'not-found': {
    status: 404,
    title: { zh: '没有这个地址', en: 'There is no such address' },
    remedy: { zh: '接口一览见 /openapi.json。', en: 'The API is described at /openapi.json.' },
  },
  'window-unknown': {
    status: 404,
    title: { zh: '本机没有这个窗口', en: 'This box does not serve that window' },
    remedy: { zh: '请使用本机配置的窗口编号。', en: 'Use a window id of this box.' },
  },
  'prompt-unknown': {
    status: 404,
    title: { zh: '没有这次邀评', en: 'There is no such prompt' },
    remedy: { zh: '请核对邀评编号。', en: 'Check the prompt id.' },
  },
  'prompt-finished': {
    status: 409,
    title: { zh: '这次邀评已经结束', en: 'The prompt has already ended' },
    remedy: { zh: '已结束的邀评不能取消。', en: 'A prompt that has ended cannot be cancelled.' },
  },
  'service-already-rated': {
    status: 409,
    title: { zh: '该办件的这次服务已评价（一次一评）', en: 'This service of the case was already rated' },
    remedy: {
      zh: '如为下一次服务，请增大服务编号。',
      en: 'If this is the next service of the case, raise the service number.',
    },
  },
  'body-too-big': {
    status: 413,
    title: { zh: '请求内容过大', en: 'The request is too big' },
    remedy: { zh: '请求正文不得超过 16 KiB。', en: 'Keep the body within 16 KiB.' },
  },
  'too-many-requests': {
    status: 429,
    title: { zh: '请求过于频繁', en: 'Too many requests' },
    remedy: { zh: '请稍候再试。', en: 'Wait a moment and try again.' },
  },
  'no-room': {
    status: 503,
    title: { zh: '磁盘空间不足，暂停邀评', en: 'The disk is full, prompts are paused' },
    remedy: { zh: '请通知信息人员；已提交的评价不受影响。', en: 'Call your IT staff. Ratings already given are safe.' },
  },
  'out-of-service': {
    status: 503,
    title: { zh: '本机无法写入，暂停服务', en: 'The box cannot write and is out of service' },
    remedy: { zh: '请通知信息人员；已提交的评价不受影响。', en: 'Call your IT staff. Ratings already given are safe.' },
  },
} as const satisfies ProblemCatalogue

export type PanelProblemCode = keyof typeof PANEL_PROBLEMS
