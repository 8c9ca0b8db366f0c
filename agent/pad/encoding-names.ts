/** How a screen or a voice chip reads its texts. */
export const ENCODINGS = [
  'gb2312',
  'gbk',
  'gb18030',
  'big5',
  'utf-8',
  'utf-16be',
  'utf-16le',
  'iso-8859-1',
  'ascii',
] as const
export type Encoding = (typeof ENCODINGS)[number]
