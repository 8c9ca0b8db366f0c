import { formatBytes } from '#agent/pad/bytes.ts'
import type { Text } from '#runtime/language.ts'
import type { FoundChecksum } from './find-checksum.ts'

/** Sentences that more than one way of reading frames needs. */
export function checksumFacts(check: FoundChecksum | null, frames: number): Text[] {
  if (!check) return [{ zh: '未发现校验', en: 'no checksum was found' }]
  const order =
    check.size > 1 && !check.isHex
      ? check.isLittle
        ? ['低字节在前', ', low byte first']
        : ['高字节在前', ', high byte first']
      : ['', '']
  const hex = check.isHex ? ['，写作十六进制字符', ', written as hex digits'] : ['', '']
  return [
    {
      zh: `校验 ${check.title}${order[0] && `，${order[0]}`}${hex[0]}，从第 ${check.from + 1} 字节起；${frames} 个不同的帧全部相符`,
      en: `checksum ${check.title}${order[1]}${hex[1]}, from byte ${check.from + 1} on; all ${frames} different frames fit`,
    },
  ]
}

export function lengthDoubt(at: number, length: number): Text {
  return {
    zh: `第 ${at + 1} 字节可能是长度，但所有帧都是 ${length} 字节，无法区分；按常量处理`,
    en: `byte ${at + 1} may be a length, but all frames have ${length} bytes, so it cannot be told; taken as a constant`,
  }
}

export function addressDoubt(places: readonly number[]): Text {
  const list = places.map(at => at + 1).join('、')
  return {
    zh: `第 ${list} 字节可能是地址：把评价器地址改为 2 后再按一次可以区分；按常量处理`,
    en: `byte ${list.replaceAll('、', ', ')} may be the address: set the pad's address to 2 and press again; taken as a constant`,
  }
}

/** Frames that come with the presses and that the profile does not know. */
export function unreadDoubts(unread: readonly { bytes: Uint8Array }[]): Text[] {
  const different = [...new Set(unread.map(({ bytes }) => formatBytes(bytes)))]
  if (different.length === 0) return []
  const some = different.slice(0, 2).join(' / ')
  return [
    {
      zh: `按键时还会收到另外 ${different.length} 种帧，没有写入型号，如 ${some}；含义请查厂家文档`,
      en: `presses bring ${different.length} more frames that the profile does not read, such as ${some}; the maker's document tells what they are`,
    },
  ]
}
