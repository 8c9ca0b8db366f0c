import type { ProblemCatalogue } from '#runtime/problem.ts'

/** Every way the collector's HTTP API can refuse, with what to do about it. */
export const COLLECTOR_PROBLEMS = {
  'bad-request': {
    status: 400,
    title: { zh: '请求内容不正确', en: 'The request is not valid' },
    remedy: {
      zh: '按接口说明（/openapi.json）修改后重新发送。',
      en: 'Correct it by the API description (/openapi.json) and send it again.',
    },
  },
  'key-missing': {
    status: 401,
    title: { zh: '缺少接口密钥', en: 'The API key is missing' },
    remedy: {
      zh: '在请求头 Authorization: Bearer 中给出密钥；密钥由 chuangping collector key add 生成。',
      en: 'Send it as Authorization: Bearer; keys are made by chuangping collector key add.',
    },
  },
  'key-unknown': {
    status: 401,
    title: { zh: '接口密钥无效', en: 'The API key is not known' },
    remedy: { zh: '核对密钥，或由管理员重新生成。', en: 'Check the key, or have a new one made.' },
  },
  'scope-missing': {
    status: 403,
    title: { zh: '该密钥没有此权限', en: 'The API key lacks a scope' },
    remedy: { zh: '为该系统生成带有所需权限的密钥。', en: 'Have a key made with the scope that is named.' },
  },
  'host-refused': {
    status: 403,
    title: { zh: '不允许的访问地址', en: 'This host name is not allowed' },
    remedy: {
      zh: '用 IP 地址访问，或把该名称加入配置 api.names。',
      en: 'Use the IP address, or add the name to api.names.',
    },
  },
  'origin-refused': {
    status: 403,
    title: { zh: '不允许来自其他网页的请求', en: 'Requests from another web page are not allowed' },
    remedy: { zh: '由业务系统的服务器端调用本接口。', en: 'Call the API from the server side of your system.' },
  },
  'provenance-fixed': {
    status: 403,
    title: { zh: '评价来源不可更改', en: 'The provenance of a rating is fixed' },
    remedy: {
      zh: '评价来源在采集时固定，任何人都不能写入或提升；此次尝试已记录。',
      en: 'It is fixed at capture; nobody can write or upgrade it. The attempt has been kept.',
    },
  },
  'not-found': {
    status: 404,
    title: { zh: '没有这个地址', en: 'There is nothing at this address' },
    remedy: { zh: '核对地址；接口说明见 /openapi.json。', en: 'Check the address against /openapi.json.' },
  },
  'unknown-service': {
    status: 404,
    title: { zh: '没有登记过这次服务', en: 'This service is not registered' },
    remedy: {
      zh: '核对办件编号和服务编号；刚登记的服务稍后即可查到。',
      en: 'Check case and service number; one just registered appears in a moment.',
    },
  },
  'unknown-prompt': {
    status: 404,
    title: { zh: '没有这次邀评', en: 'This prompt is not known' },
    remedy: { zh: '核对邀评编号。', en: 'Check the prompt id.' },
  },
  'unknown-window': {
    status: 404,
    title: { zh: '没有盒子服务于该窗口', en: 'No box serves this window' },
    remedy: {
      zh: '核对窗口编号，并确认该窗口的盒子已登记并上过线。',
      en: 'Check the window id, and that its box is enrolled and has been online.',
    },
  },
  'unknown-gap': {
    status: 404,
    title: { zh: '没有这个已放弃的缺口', en: 'There is no such gap that was given up' },
    remedy: { zh: '按 /v1/gaps 核对盒子、纪元和首条序号。', en: 'Check box, epoch and first number against /v1/gaps.' },
  },
  'unknown-batch': {
    status: 404,
    title: { zh: '没有隔离这一批', en: 'There is no such batch set aside' },
    remedy: { zh: '按 /v1/quarantine 核对盒子和哈希。', en: 'Check box and hash against /v1/quarantine.' },
  },
  'batch-not-acceptable': {
    status: 409,
    title: { zh: '这一批不能接收', en: 'This batch cannot be taken' },
    remedy: {
      zh: '只能接收吊销后才到达、且紧接已入库条目的批；请按序号从前往后接收。',
      en: 'Only a batch that came after its box was revoked and follows what is committed can be; take them in order.',
    },
  },
  'service-differs': {
    status: 409,
    title: { zh: '该服务已登记，内容不同', en: 'The service is registered with other content' },
    remedy: {
      zh: '已登记的内容不会被改写。如是新的一次服务，请使用下一个服务编号。',
      en: 'What is registered is never rewritten. For another service of the case use the next service number.',
    },
  },
  'body-too-big': {
    status: 413,
    title: { zh: '请求内容过大', en: 'The request is too big' },
    remedy: { zh: '每次请求不超过 64 KiB。', en: 'Send at most 64 KiB at a time.' },
  },
  'parcel-too-big': {
    status: 413,
    title: { zh: '摆渡包过大', en: 'The parcel is too big' },
    remedy: { zh: '核对文件：盒子导出的摆渡包不会这么大。', en: 'Check the file: no box makes a parcel of that size.' },
  },
  'not-a-parcel': {
    status: 422,
    title: { zh: '不是摆渡包', en: 'This is not a parcel' },
    remedy: {
      zh: '请选择盒子上用 chuangping export 导出的文件。',
      en: 'Choose a file that chuangping export made on a box.',
    },
  },
  'unknown-version': {
    status: 422,
    title: { zh: '摆渡包的版本不认识', en: 'The parcel is of a version that is not known' },
    remedy: {
      zh: '先升级汇集中心，再导入；文件请保留。',
      en: 'Update the collector, then import it again; keep the file.',
    },
  },
  'unknown-opening-key': {
    status: 422,
    title: { zh: '摆渡包不是封存给本中心的', en: 'The parcel is sealed to another collector' },
    remedy: {
      zh: '核对是哪个中心的盒子；或把注明的旧密钥放回开封密钥文件夹。',
      en: 'Check whose box it is of, or put the key that is named back into the opening folder.',
    },
  },
  'parcel-cut': {
    status: 422,
    title: { zh: '摆渡包不完整', en: 'The parcel is cut short' },
    remedy: {
      zh: '重新复制；仍不行就在盒子上重新导出。盒子没有收到回执前不会删除任何条目。',
      en: 'Copy it again, or export it again: the box keeps every entry until it has the receipt.',
    },
  },
  'parcel-altered': {
    status: 422,
    title: { zh: '摆渡包已损坏或被改动', en: 'The parcel was damaged or altered' },
    remedy: {
      zh: '换一个优盘重新复制或导出；盒子没有收到回执前不会删除任何条目。',
      en: 'Copy or export it again with another stick: the box keeps every entry until it has the receipt.',
    },
  },
  'parcel-not-valid': {
    status: 422,
    title: { zh: '摆渡包的内容不合格式', en: 'What is in the parcel is not of its form' },
    remedy: {
      zh: '它能开封，但不是由盒子的程序生成的；查明来历，不要再导入。',
      en: 'It opens, but no agent made it: find out where it came from, and do not import it again.',
    },
  },
  'too-many-refused': {
    status: 422,
    title: { zh: '摆渡包中被拒收的批过多', en: 'Too many batches of the parcel were refused' },
    remedy: {
      zh: '在隔离清单中查看原因；盒子未登记、已吊销，或文件不是它的。',
      en: 'See why in the quarantine: the box is not enrolled or revoked, or the file is not of it.',
    },
  },
  'not-taken': {
    status: 503,
    title: { zh: '没有能够入库', en: 'It could not be stored' },
    remedy: {
      zh: '请运维人员检查磁盘空间和日志，然后重新导入同一文件：已入库的不会重复。',
      en: 'Have the disk space and the log checked, then import the same file again: nothing is taken twice.',
    },
  },
  'media-type': {
    status: 415,
    title: { zh: '不支持的内容类型', en: 'The media type is not supported' },
    remedy: { zh: '使用 application/json。', en: 'Send application/json.' },
  },
  'too-many-requests': {
    status: 429,
    title: { zh: '请求过于频繁', en: 'Too many requests' },
    remedy: { zh: '按 Retry-After 的秒数等待后重试。', en: 'Wait as many seconds as Retry-After says.' },
  },
  internal: {
    status: 500,
    title: { zh: '内部错误', en: 'Internal error' },
    remedy: { zh: '重试；若仍出现，请把时间告知运维人员。', en: 'Try again; if it stays, tell the operator the time.' },
  },
  'box-offline': {
    status: 503,
    title: { zh: '该窗口的盒子不在线', en: "The window's box is offline" },
    remedy: {
      zh: '请窗口人员在本机页面或热键发起邀评；断网时同样可用。',
      en: 'Have the clerk ask from the local page or hot key: that works without the network too.',
    },
  },
  'broker-offline': {
    status: 503,
    title: { zh: '与消息服务的连接已断开', en: 'There is no connection to the broker' },
    remedy: { zh: '稍后重试；系统会自动重连。', en: 'Try again soon; the connection is made again by itself.' },
  },
  'store-refused': {
    status: 503,
    title: { zh: '数据无法写入', en: 'The store cannot be written' },
    remedy: {
      zh: '请运维人员检查磁盘空间。此次内容没有登记，恢复后请重新发送。',
      en: 'Have the disk space checked. Nothing was registered: send it again afterwards.',
    },
  },
  stopping: {
    status: 503,
    title: { zh: '服务正在停止', en: 'The collector is stopping' },
    remedy: { zh: '稍后重试。', en: 'Try again soon.' },
  },
  'too-many-watchers': {
    status: 503,
    title: { zh: '实时页面打开过多', en: 'Too many live pages are open' },
    remedy: { zh: '关闭不用的页面后重试。', en: 'Close some of them and try again.' },
  },
} as const satisfies ProblemCatalogue
export type CollectorProblemCode = keyof typeof COLLECTOR_PROBLEMS

/** Whether a fault is one the API may answer with. */
export function isCollectorProblem(code: string): code is CollectorProblemCode {
  return Object.hasOwn(COLLECTOR_PROBLEMS, code)
}
